import { hash } from 'node:crypto';
import type { Protocol } from '../model.ts';

// RFC 4648 section 6
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
/** 80 bits of base32 are 16 letters, without padding. */
const HASH_BYTES = 10;

/** SVC: all endpoints; SVL: those of the node; EXT: from outside; FW: source ranges; SEP: one endpoint. */
export type PortPrefix = 'KUBE-SVC-' | 'KUBE-SVL-' | 'KUBE-EXT-' | 'KUBE-FW-';

export interface PortIdentity {
  readonly namespace: string;
  readonly name: string;
  readonly portName: string;
  readonly protocol: Protocol;
  readonly port: number;
}

/**
 * The names of a port's chains: `KUBE-SVC-NX3JPJGSAW2ATBWT` is the prefix and 80 bits of a SHA-256 in base32, of what the
 * chain is for. Names of API objects are in it as a hash only, and the same object has the same chain in every process.
 */
export class ChainNames {
  readonly #identity: PortIdentity;
  readonly #hash: string;
  readonly #endpoints = new Map<string, string>();

  constructor(identity: PortIdentity) {
    this.#identity = identity;
    this.#hash = hashOf(identity, '');
  }

  of(prefix: PortPrefix): string {
    return prefix + this.#hash;
  }

  /** Of an endpoint, `10.244.1.5:8080`. */
  ofEndpoint(endpoint: string): string {
    let name = this.#endpoints.get(endpoint);
    if (name === undefined) {
      name = `KUBE-SEP-${hashOf(this.#identity, endpoint)}`;
      this.#endpoints.set(endpoint, name);
    }
    return name;
  }
}

function hashOf({ namespace, name, portName, protocol, port }: PortIdentity, endpoint: string): string {
  // the bytes of a name cannot hold a NUL (RFC 1123 labels), so fields cannot run into each other
  const text = `${namespace}\0${name}\0${portName}\0${protocol}\0${port}\0${endpoint}`;
  return base32(hash('sha256', text, 'binary'));
}

/** The first 80 bits of a string of bytes. */
function base32(bytes: string): string {
  let text = '';
  let [buffer, bits] = [0, 0];
  for (let i = 0; i < HASH_BYTES; i++) {
    buffer = ((buffer << 8) | bytes.charCodeAt(i)) & 0xfff;
    bits += 8;
    for (; bits >= 5; bits -= 5) text += BASE32[(buffer >> (bits - 5)) & 31];
  }
  return text;
}
