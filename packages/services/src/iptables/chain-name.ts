import { createHash } from 'node:crypto';
import type { Protocol } from '../model.ts';

// RFC 4648 section 6
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
const HASH_LENGTH = 16;

/** SVC: all endpoints; SVL: those of the node; EXT: from outside; FW: source ranges; SEP: one endpoint. */
export type ChainPrefix = 'KUBE-SVC-' | 'KUBE-SVL-' | 'KUBE-EXT-' | 'KUBE-FW-' | 'KUBE-SEP-';

export interface PortIdentity {
  readonly namespace: string;
  readonly name: string;
  readonly portName: string;
  readonly protocol: Protocol;
  readonly port: number;
}

/**
 * `KUBE-SVC-NX3JPJGSAW2ATBWT`: the prefix and 80 bits of a SHA-256 in base32, of what the chain is for. Names of API
 * objects are in it as a hash only, and the same object has the same chain in every process.
 */
export function chainName(prefix: ChainPrefix, port: PortIdentity, endpoint = ''): string {
  // the bytes of a name cannot hold a NUL (RFC 1123 labels), so fields cannot run into each other
  const text = [port.namespace, port.name, port.portName, port.protocol, port.port, endpoint].join('\0');
  return prefix + base32(createHash('sha256').update(text).digest()).slice(0, HASH_LENGTH);
}

/** Whole groups of 5 bits, without padding. */
function base32(bytes: Uint8Array): string {
  let text = '';
  let [buffer, bits] = [0, 0];
  for (const byte of bytes) {
    buffer = ((buffer << 8) | byte) & 0xfff;
    bits += 8;
    for (; bits >= 5; bits -= 5) text += BASE32[(buffer >> (bits - 5)) & 31];
  }
  return text;
}
