import { hasCode, messageOf, PodwireError, type Prefix, prefixParts, tryParsePrefix } from '@podwire/base';
import { isErrno, type Netlink, type NetlinkMessage } from '@podwire/kernel';

/** The netlink socket of a namespace together with its names of links. */
export interface RouteSocket {
  readonly netlink: Netlink;
  /** Throws NET_NO_LINK. */
  indexOf(link: string): number;
  /** All names of the namespace by index, read anew. */
  names(): ReadonlyMap<number, string>;
}

export function noLink(name: string): PodwireError {
  return new PodwireError('NET_NO_LINK', `there is no link ${name} in this network namespace`, {
    details: { link: name },
  });
}

export function badValue(what: string, why: string, cause?: unknown): PodwireError {
  return new PodwireError('NET_BAD_VALUE', `${what}: ${why}`, { cause, details: { object: what } });
}

/** Runs an encoder; a value that does not fit, or is of another type, becomes NET_BAD_VALUE that names the object. */
export function encodeFor<T>(object: string, encode: () => T): T {
  try {
    return encode();
  } catch (error) {
    throw misfit(object, error);
  }
}

/** What an encoder threw, as an error about the object. */
export function misfit(object: string, error: unknown): unknown {
  const ours = error instanceof PodwireError && !hasCode(error, 'KERNEL_ENCODE');
  return ours ? error : badValue(object, messageOf(error), error);
}

/** Address and length of a prefix whose text may come from anywhere. Throws NET_BAD_VALUE. */
export function prefixFor(
  object: string,
  prefix: Prefix,
): { address: ReturnType<typeof prefixParts>['address']; length: number; family: 'ipv4' | 'ipv6' } {
  const canonical = tryParsePrefix(prefix);
  if (canonical === undefined)
    throw badValue(object, `"${prefix}" is not an address prefix; write 10.244.0.0/16 or fd00::/64`);
  return prefixParts(canonical);
}

/** A word of a table of words, or undefined for a number that has none. */
export function wordOf<W extends string>(value: W | number | undefined): W | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** Without the keys whose value is undefined, for exact optional properties. */
export function defined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const result: Record<string, unknown> = {};
  for (const key in value) if (value[key] !== undefined) result[key] = value[key];
  return result as { [K in keyof T]: Exclude<T[K], undefined> };
}

/** The answers to a list request; empty where the kernel does not know the family, the table or the message. */
export function dumpBodies(socket: RouteSocket, message: NetlinkMessage, ...emptyOn: string[]): Buffer[] {
  try {
    return socket.netlink.dump(message).map((answer) => answer.body);
  } catch (error) {
    if (isErrno(error, 'EAFNOSUPPORT', 'EOPNOTSUPP', ...emptyOn)) return [];
    throw error;
  }
}

/** Sends a request; false when the kernel says with one of these errors that there is nothing of the kind. */
export function requestUnlessGone(socket: RouteSocket, message: NetlinkMessage, ...gone: string[]): boolean {
  try {
    socket.netlink.request(message);
    return true;
  } catch (error) {
    if (isErrno(error, ...gone)) return false;
    throw error;
  }
}
