import { PodwireError } from '@podwire/base';
import { codec, type Netlink } from '@podwire/kernel';

const { pad, struct, s32, u16, u32, u8 } = codec;

/** RTM_* of linux/rtnetlink.h; rtnetlink(7). */
export const RTM = {
  NEWLINK: 16,
  DELLINK: 17,
  GETLINK: 18,
  NEWADDR: 20,
  DELADDR: 21,
  GETADDR: 22,
  NEWROUTE: 24,
  DELROUTE: 25,
  GETROUTE: 26,
  NEWNEIGH: 28,
  DELNEIGH: 29,
  GETNEIGH: 30,
} as const;

/** Address families as rtnetlink uses them. */
export const AF = { UNSPEC: 0, BRIDGE: 7, INET: 2, INET6: 10 } as const;

/** The fixed headers in front of the attributes. */
export const ifinfomsg = struct('ifinfomsg', {
  family: u8,
  _1: pad(1),
  type: u16,
  index: s32,
  flags: u32,
  change: u32,
});
export const ifaddrmsg = struct('ifaddrmsg', { family: u8, prefixLength: u8, flags: u8, scope: u8, index: u32 });
export const rtmsg = struct('rtmsg', {
  family: u8,
  destinationLength: u8,
  sourceLength: u8,
  tos: u8,
  table: u8,
  protocol: u8,
  scope: u8,
  type: u8,
  flags: u32,
});
export const ndmsg = struct('ndmsg', { family: u8, _1: pad(3), index: s32, state: u16, flags: u8, type: u8 });

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

/** Of the codes of a table, the name of one; undefined for codes the table does not know. */
export function nameOf<K extends string>(table: Readonly<Record<K, number>>, code: number): K | undefined {
  return (Object.keys(table) as K[]).find((name) => table[name] === code);
}

/** Without the keys whose value is undefined, for exact optional properties. */
export function defined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
