import { hasCode, PodwireError, type Prefix, prefixParts, tryParsePrefix } from '@podwire/base';
import { isErrno, type KernelError, type Netlink, type NetlinkMessage } from '@podwire/kernel';

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

/** Runs an encoder; a value that does not fit becomes NET_BAD_VALUE that names the object. */
export function encodeFor<T>(object: string, encode: () => T): T {
  try {
    return encode();
  } catch (error) {
    if (hasCode(error, 'KERNEL_ENCODE')) throw badValue(object, (error as Error).message, error);
    throw error;
  }
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

/** What became of one object of a batch: `{ route, action, error }`. Removing what is not there is a success. */
export type ItemResult<K extends string, T> = { readonly [P in K]: T } & {
  readonly action: 'add' | 'remove';
  readonly error: KernelError | undefined;
};

/** How a noun's objects are written and removed, and what the kernel says when there is nothing to remove. */
export interface Noun<K extends string, T> {
  readonly key: K;
  readonly addition: (item: T) => NetlinkMessage;
  readonly removal: (item: T) => NetlinkMessage;
  readonly gone: readonly string[];
}

/** Writes additions, then removals, many to a system call; one result each, in that order. */
export function applyBatch<K extends string, T>(
  socket: RouteSocket,
  { add, remove }: { readonly add: readonly T[]; readonly remove: readonly T[] },
  { key, addition, removal, gone }: Noun<K, T>,
): ItemResult<K, T>[] {
  const errors = socket.netlink.batch([...add.map(addition), ...remove.map(removal)]);
  const result = (item: T, action: 'add' | 'remove', error: KernelError | undefined) =>
    ({ [key]: item, action, error }) as ItemResult<K, T>;
  const removed = (error: KernelError | undefined) => (isErrno(error, ...gone) ? undefined : error);
  return [
    ...add.map((item, i) => result(item, 'add', errors[i])),
    ...remove.map((item, i) => result(item, 'remove', removed(errors[add.length + i]))),
  ];
}
