import { ipFromBigInt, ipToBigInt, type Prefix, prefixParts, prefixSize } from '@podwire/base';
import type { Peer } from './model.ts';

/** Addresses of one family, both ends inclusive. */
export interface AddressRange {
  readonly from: bigint;
  readonly to: bigint;
}

function rangeOf(prefix: Prefix): AddressRange {
  const from = ipToBigInt(prefixParts(prefix).address);
  return { from, to: from + prefixSize(prefix) - 1n };
}

/** Sorted, overlapping and touching ranges joined, so that the kernel takes them. */
function mergeRanges(ranges: readonly AddressRange[]): AddressRange[] {
  const merged: { from: bigint; to: bigint }[] = [];
  for (const { from, to } of ranges.toSorted((a, b) => (a.from < b.from ? -1 : a.from > b.from ? 1 : 0))) {
    const last = merged.at(-1);
    if (!last || from > last.to + 1n) merged.push({ from, to });
    else if (to > last.to) last.to = to;
  }
  return merged;
}

function subtract(range: AddressRange, holes: readonly AddressRange[]): AddressRange[] {
  const rest: AddressRange[] = [];
  let from = range.from;
  for (const hole of mergeRanges(holes)) {
    if (hole.to < from || hole.from > range.to) continue;
    if (hole.from > from) rest.push({ from, to: hole.from - 1n });
    from = hole.to + 1n;
  }
  return from <= range.to ? [...rest, { from, to: range.to }] : rest;
}

/** The IPv4 addresses of ipBlocks; each except carves out of its own block only. */
export function blockRanges(peers: readonly Peer[]): AddressRange[] {
  const v4 = (prefix: Prefix) => prefixParts(prefix).family === 'ipv4';
  return mergeRanges(
    peers.flatMap((peer) =>
      peer.kind === 'block' && v4(peer.cidr) ? subtract(rangeOf(peer.cidr), peer.except.filter(v4).map(rangeOf)) : [],
    ),
  );
}

/** The range as a value of an nft set: an address or a range. */
export function rangeValue({ from, to }: AddressRange): string | { from: string; to: string } {
  const [first, last] = [ipFromBigInt(from, 'ipv4'), ipFromBigInt(to, 'ipv4')];
  return first === last ? first : { from: first, to: last };
}
