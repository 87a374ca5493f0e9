import type { Codec } from '../netlink/codec.ts';
import { struct, u8, u16be, u32be } from '../netlink/codec.ts';

/** struct nfgenmsg, in front of the attributes of every nfnetlink message. */
export const nfgenmsg = struct('nfgenmsg', { family: u8, version: u8, resource: u16be });

/** NFNL_SUBSYS_*: the upper byte of a message type. */
export const NFNL_SUBSYS = { CONNTRACK: 1, EXPECTATION: 2, LOG: 4, NFTABLES: 10 } as const;

/** NFPROTO_*: what stands in nfgenmsg.family and in attributes that name a family. */
export const NFPROTO = { unspec: 0, inet: 1, ip: 2, arp: 3, netdev: 5, bridge: 7, ip6: 10 } as const;

/** A family by nft's word. */
export type NfFamily = keyof typeof NFPROTO;

const FAMILY_WORDS = new Map<number, NfFamily>(
  Object.entries(NFPROTO).map(([word, number]) => [number, word as NfFamily]),
);

/** The word for what stands in nfgenmsg.family; numbers without one stay numbers. */
export const familyWord = (number: number): NfFamily | number => FAMILY_WORDS.get(number) ?? number;

/** What stands in nfgenmsg.family of messages about packets of IP. */
export const IP_FAMILIES = { ipv4: NFPROTO.ip, ipv6: NFPROTO.ip6 } as const;

/** The type of a message of a subsystem, as it stands in the netlink header. */
export const nfnetlinkType = (subsystem: number, message: number): number => (subsystem << 8) | message;

/** nfnetlink sends signed numbers big-endian too. */
export const s32be: Codec<number> & { readonly size: number } = {
  name: 's32be',
  size: 4,
  write: (out, value) => u32be.write(out, value >>> 0),
  read: (bytes) => u32be.read(bytes) | 0,
};
