/**
 * The sum that the Internet checksum (RFC 1071) is the complement of: 16-bit ones' complement sum of `bytes` from `start`
 * to `end`, an odd last byte as high half. `seed` is a sum to begin with.
 */
export function onesComplementSum(bytes: Uint8Array, start = 0, end = bytes.length, seed = 0): number {
  let sum = seed;
  const even = start + ((end - start) & ~1);
  // 64 KiB of 16-bit words stay below 2^32
  for (let at = start; at < even; at += 2) sum += ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
  if (even < end) sum += (bytes[even] ?? 0) << 8;
  while (sum > 0xffff) sum = (sum % 0x10000) + Math.floor(sum / 0x10000);
  return sum;
}

/** The Internet checksum of `bytes` from `start` to `end`, as it is written in network order. */
export function internetChecksum(bytes: Uint8Array, start = 0, end = bytes.length, seed = 0): number {
  return ~onesComplementSum(bytes, start, end, seed) & 0xffff;
}

/**
 * The sum of the pseudo-header that TCP, UDP and ICMPv6 checksums include (RFC 9293, RFC 8200 section 8.1), of the IP packet
 * that begins at `at`; `length` is that of the upper-layer packet.
 */
export function pseudoHeaderSum(packet: Uint8Array, at: number, protocol: number, length: number): number {
  const v6 = (packet[at] ?? 0) >> 4 === 6;
  const addresses = v6 ? [at + 8, at + 40] : [at + 12, at + 20];
  return onesComplementSum(packet, addresses[0], addresses[1], protocol + (length >>> 16) + (length & 0xffff));
}

/**
 * Completes a checksum that was left partial: `start` and `offset` as in a VirtioNetHeader, from the beginning of `packet`.
 * A UDP checksum that comes out as zero stays zero here; RFC 768 wants 0xffff, see `segmentFrame`.
 */
export function completeChecksum(packet: Uint8Array, { start, offset }: { start: number; offset: number }): void {
  const sum = internetChecksum(packet, start);
  packet[start + offset] = sum >> 8;
  packet[start + offset + 1] = sum & 255;
}
