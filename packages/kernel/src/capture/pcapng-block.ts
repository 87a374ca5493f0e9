import type { IpAddress } from '@podwire/base';

/** Blocks of a capture file; draft-ietf-opsawg-pcapng. Times are nanoseconds since 1970-01-01 UTC. */

/** Begins a section; interfaces are numbered anew in each. Section Header Block. */
export interface SectionBlock {
  readonly type: 'section';
  readonly comment?: string;
  readonly hardware?: string;
  readonly os?: string;
  readonly application?: string;
}

/** Interface Description Block; the first of a section is interface 0. */
export interface InterfaceBlock {
  readonly type: 'interface';
  /** See LINK_TYPE. */
  readonly linkType: number;
  /** Most bytes kept of a packet; 0: no limit. */
  readonly snapLength: number;
  readonly comment?: string;
  readonly name?: string;
  readonly description?: string;
  /** The filter in tcpdump's language. */
  readonly filter?: string;
}

/** Enhanced Packet Block. */
export interface PacketBlock {
  readonly type: 'packet';
  readonly interface: number;
  readonly time: bigint;
  readonly bytes: Buffer;
  /** Bytes on the wire, when more than were kept; default as many. */
  readonly length?: number;
  readonly direction?: 'in' | 'out';
  readonly comment?: string;
}

/** What an interface counted until `time`. Interface Statistics Block. */
export interface StatisticsBlock {
  readonly type: 'statistics';
  readonly interface: number;
  readonly time: bigint;
  readonly comment?: string;
  /** Packets that came, also those the filter refused. */
  readonly received?: bigint;
  /** Packets lost for want of room. */
  readonly dropped?: bigint;
  /** Packets given to whoever captured. */
  readonly delivered?: bigint;
}

/** Names of addresses, which readers show. Name Resolution Block. */
export interface NamesBlock {
  readonly type: 'names';
  readonly entries: readonly { readonly address: IpAddress; readonly names: readonly string[] }[];
  readonly comment?: string;
}

/** A block of another kind, as it stands. */
export interface OtherBlock {
  readonly type: 'other';
  readonly number: number;
  /** A whole number of 32-bit words, in the byte order of the section. */
  readonly body: Buffer;
}

export type PcapngBlock = SectionBlock | InterfaceBlock | PacketBlock | StatisticsBlock | NamesBlock | OtherBlock;

/** https://www.tcpdump.org/linktypes.html */
export const LINK_TYPE = { ethernet: 1, raw: 101, sll2: 276 } as const;

export const BLOCK = { section: 0x0a0d0d0a, interface: 1, names: 4, statistics: 5, packet: 6 } as const;
export const BYTE_ORDER_MAGIC = 0x1a2b3c4d;

/** Option codes; the text ones by the key of the block they belong to. */
export const OPTION_END = 0;
export const OPTION_COMMENT = 1;
export const SECTION_OPTION = { hardware: 2, os: 3, application: 4 } as const;
export const INTERFACE_OPTION = {
  name: 2,
  description: 3,
  timestampResolution: 9,
  filter: 11,
  timestampOffset: 14,
} as const;
export const PACKET_OPTION = { flags: 2 } as const;
export const PACKET_FLAG = { in: 1, out: 2, mask: 3 } as const;
export const STATISTICS_OPTION = { received: 4, dropped: 5, delivered: 8 } as const;
export const NAME_RECORD = { end: 0, ipv4: 1, ipv6: 2 } as const;
