import { DecodeError, encodeError } from '../errors.ts';
import type { Codec } from '../netlink/codec.ts';

/** TC_H_*: the places of a link that have a word instead of a number (linux/pkt_sched.h). */
const WORDS: Readonly<Record<string, number>> = {
  none: 0,
  /** Where packets leave the link. */
  root: 0xffffffff,
  /** Where the qdiscs ingress and clsact sit. */
  clsact: 0xfffffff1,
  /** Filters on arriving packets, below clsact or ingress. */
  ingress: 0xfffffff2,
  /** Filters on leaving packets, below clsact. */
  egress: 0xfffffff3,
};
const wordOf = new Map(Object.entries(WORDS).map(([word, value]) => [value, word]));

/**
 * A qdisc's or class's number as tc(8) writes it, in hexadecimal: `1:` is a qdisc, `1:10` its class 0x10. Also `root`, `none`,
 * `clsact`, `ingress`, `egress`.
 */
export function parseTcHandle(text: string): number {
  const word = Object.hasOwn(WORDS, text) ? WORDS[text] : undefined;
  if (word !== undefined) return word;
  const [, major, minor = ''] = /^([0-9a-f]{1,4}):([0-9a-f]{0,4})$/i.exec(text) ?? [];
  if (major === undefined)
    throw encodeError(`"${text}" as a handle; write 1: or 1:10 (hexadecimal) or ${Object.keys(WORDS).join(', ')}`);
  return Number.parseInt(major, 16) * 0x10000 + Number.parseInt(minor || '0', 16);
}

export function formatTcHandle(handle: number): string {
  const minor = handle & 0xffff;
  return wordOf.get(handle) ?? `${(handle >>> 16).toString(16)}:${minor === 0 ? '' : minor.toString(16)}`;
}

/** Four bytes that hold a handle, as text. */
export const tcHandle: Codec<string> & { readonly size: number } = {
  name: 'handle',
  size: 4,
  format: String,
  write: (out, value) => out.u32(parseTcHandle(value)),
  read(bytes) {
    if (bytes.length < 4) throw new DecodeError(`a handle from ${bytes.length} bytes`);
    return formatTcHandle(bytes.readUInt32LE(0));
  },
};
