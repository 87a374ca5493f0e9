import type { ExtensionField } from './extension-field.ts';
import type { PayloadField } from './header-field.ts';
import type { CtKey, MetaKey, RtKey, SocketKey } from './packet-key.ts';
import type { DataType, SetElement, Value } from './set-model.ts';

export type { ExtensionField } from './extension-field.ts';
export type { PayloadField } from './header-field.ts';
export type { CtKey, MetaKey, RtKey, SocketKey } from './packet-key.ts';

export type FibResult = 'type' | 'oif' | 'oifname';

/** What yields a value: read from the packet, or computed. */
export type Expression =
  | { readonly kind: 'value'; readonly value: Value }
  | { readonly kind: 'payload'; readonly field: PayloadField }
  /** Bits of the packet that have no name: `@th,16,16`; offset and length in bits, length at most 128. */
  | {
      readonly kind: 'raw-payload';
      readonly base: 'link' | 'network' | 'transport';
      readonly offset: number;
      readonly length: number;
    }
  /** TCP options, IPv4 options, IPv6 extension headers. */
  | { readonly kind: 'extension'; readonly field: ExtensionField }
  | { readonly kind: 'meta'; readonly key: MetaKey }
  | { readonly kind: 'ct'; readonly key: CtKey }
  | { readonly kind: 'rt'; readonly key: RtKey }
  /** `level` (cgroupv2 only): which ancestor of the socket's cgroup, counted from the root. */
  | { readonly kind: 'socket'; readonly key: SocketKey; readonly level?: number }
  /** Passive fingerprint of the operating system that sent a SYN. */
  | { readonly kind: 'osf'; readonly ttl?: 'loose' | 'skip'; readonly version?: boolean }
  | {
      readonly kind: 'fib';
      readonly flags: readonly ('saddr' | 'daddr' | 'mark' | 'iif' | 'oif')[];
      readonly result: FibResult;
    }
  | { readonly kind: 'numgen'; readonly mode: 'random' | 'inc'; readonly modulus: number; readonly offset?: number }
  | {
      readonly kind: 'jhash';
      readonly of: Expression;
      readonly modulus: number;
      readonly seed?: number;
      readonly offset?: number;
    }
  /** Hash of the connection's addresses and ports, the same for both directions. */
  | { readonly kind: 'symhash'; readonly modulus: number; readonly offset?: number }
  | { readonly kind: 'concat'; readonly parts: readonly Expression[] }
  /** Looks the key up in a named map; a miss ends the rule. */
  | { readonly kind: 'map'; readonly key: Expression; readonly map: string }
  /** Looks the key up in a map of the rule's own. */
  | {
      readonly kind: 'anonymous-map';
      readonly key: Expression;
      readonly data: readonly DataType[];
      readonly elements: readonly SetElement[];
    }
  /** `(of & mask) ^ xor`: keep the bits of `mask`, then flip those of `xor`. For numbers of at most 4 bytes. */
  | { readonly kind: 'bitwise'; readonly of: Expression; readonly mask: number; readonly xor: number }
  /** `of << bits`, `of >> bits`, for numbers of 4 bytes. */
  | { readonly kind: 'shift'; readonly of: Expression; readonly direction: 'left' | 'right'; readonly bits: number };
