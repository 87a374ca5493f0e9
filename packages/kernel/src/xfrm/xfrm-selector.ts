import {
  type Family,
  familyOf,
  formatIp,
  type IpAddress,
  ipBytes,
  type Prefix,
  parsePrefix,
  prefixParts,
} from '@podwire/base';
import { DecodeError, encodeError } from '../errors.ts';
import type { ValueOf } from '../netlink/codec.ts';
import type { xfrmLifetime, xfrmSelector } from './xfrm-table.ts';

export const XFRM_FAMILIES = { ipv4: 2, ipv6: 10 } as const;

/** Which packets a policy or a state is for; what is left out may be anything. */
export interface XfrmSelector {
  readonly source: Prefix;
  readonly destination: Prefix;
  /** IPPROTO_* number. */
  readonly protocol?: number;
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  /** Index of the link. */
  readonly link?: number;
}

type SelectorWire = ValueOf<typeof xfrmSelector>;

export function selectorToWire(selector: XfrmSelector): SelectorWire {
  const [source, destination] = [prefixParts(selector.source), prefixParts(selector.destination)];
  if (source.family !== destination.family)
    throw encodeError(`selector from ${selector.source} to ${selector.destination}: two address families`);
  return {
    source: addressToWire(source.address),
    destination: addressToWire(destination.address),
    sourceLength: source.length,
    destinationLength: destination.length,
    ...portsToWire(selector),
    family: XFRM_FAMILIES[source.family],
    protocol: selector.protocol ?? 0,
    link: selector.link ?? 0,
    user: 0,
  };
}

function portsToWire({ sourcePort, destinationPort }: XfrmSelector) {
  return {
    sourcePort: sourcePort ?? 0,
    sourcePortMask: sourcePort === undefined ? 0 : 0xffff,
    destinationPort: destinationPort ?? 0,
    destinationPortMask: destinationPort === undefined ? 0 : 0xffff,
  };
}

export function selectorFromWire(wire: SelectorWire, fallback: Family = 'ipv4'): XfrmSelector {
  const family = wire.family === 0 ? fallback : familyFromWire(wire.family);
  const prefix = (bytes: Uint8Array, length: number) => {
    if (length > (family === 'ipv4' ? 32 : 128)) throw new DecodeError(`a prefix of ${length} bits`);
    return parsePrefix(`${addressFromWire(bytes, family)}/${length}`);
  };
  return {
    source: prefix(wire.source, wire.sourceLength),
    destination: prefix(wire.destination, wire.destinationLength),
    ...(wire.protocol !== 0 && { protocol: wire.protocol }),
    ...(wire.sourcePortMask !== 0 && { sourcePort: wire.sourcePort }),
    ...(wire.destinationPortMask !== 0 && { destinationPort: wire.destinationPort }),
    ...(wire.link !== 0 && { link: wire.link }),
  };
}

export function addressToWire(address: IpAddress): Buffer {
  return Buffer.concat([ipBytes(address)], 16);
}

export function addressFromWire(bytes: Uint8Array, family: Family): IpAddress {
  return formatIp(bytes.subarray(0, family === 'ipv4' ? 4 : 16));
}

export function familyFromWire(number: number): Family {
  if (number === XFRM_FAMILIES.ipv4) return 'ipv4';
  if (number === XFRM_FAMILIES.ipv6) return 'ipv6';
  throw new DecodeError(`the address family ${number}`);
}

export const familyNumber = (address: IpAddress): number => XFRM_FAMILIES[familyOf(address)];

/** When the key daemon is told (soft) and when it ends (hard); without one never. Seconds since made or first used. */
export type XfrmLifetime = Partial<ValueOf<typeof xfrmLifetime>>;

const NEVER = 2n ** 64n - 1n;
const FOREVER = { softBytes: NEVER, hardBytes: NEVER, softPackets: NEVER, hardPackets: NEVER };
const NO_TIME = { softAddSeconds: 0n, hardAddSeconds: 0n, softUseSeconds: 0n, hardUseSeconds: 0n };

export function lifetimeToWire(lifetime: XfrmLifetime = {}): ValueOf<typeof xfrmLifetime> {
  return { ...FOREVER, ...NO_TIME, ...lifetime };
}

/** Only the limits that there are: of bytes and packets 0 is one, of seconds it is none. */
export function lifetimeFromWire(wire: ValueOf<typeof xfrmLifetime>): XfrmLifetime {
  return Object.fromEntries(
    Object.entries(wire).filter(([key, value]) => value !== (key.endsWith('Seconds') ? 0n : NEVER)),
  );
}
