import { hash } from 'node:crypto';
import type { Protocol } from '../model.ts';

// RFC 4648 section 6
const BASE32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';
/** For 10 bits each. */
const PAIRS = Array.from({ length: 1024 }, (_, i) => `${BASE32[i >> 5]}${BASE32[i & 31]}`);

/** SVC: all endpoints; SVL: those of the node; EXT: from outside; FW: source ranges; SEP: one endpoint. */
export type PortPrefix = 'KUBE-SVC-' | 'KUBE-SVL-' | 'KUBE-EXT-' | 'KUBE-FW-';

export interface PortIdentity {
  /** Its key: `namespace/name` of a Service. */
  readonly service: string;
  readonly portName: string;
  readonly protocol: Protocol;
}

/**
 * The names of a port's chains: `KUBE-SVC-NPX46M4PTMTKRN6Y` is the prefix and 80 bits of a SHA-256 in base32, of what the
 * chain is for. Names of API objects are in it as a hash only, and the same object has the same chain in every process.
 */
export class ChainNames {
  readonly #identity: PortIdentity;
  readonly #hash: string;

  constructor(identity: PortIdentity) {
    this.#identity = identity;
    this.#hash = hashOf(identity, '');
  }

  of(prefix: PortPrefix): string {
    return prefix + this.#hash;
  }

  /** Of an endpoint, `10.244.1.5:8080`. */
  ofEndpoint(endpoint: string): string {
    return `KUBE-SEP-${hashOf(this.#identity, endpoint)}`;
  }
}

/** As kube-proxy does (servicePortChainName): fields cannot run into each other, for names are RFC 1123 labels. */
function hashOf({ service, portName, protocol }: PortIdentity, endpoint: string): string {
  const text = `${service}${portName && `:${portName}`}${protocol}${endpoint}`;
  return base32(hash('sha256', text, 'binary'));
}

/** The first 80 bits of a string of bytes: 16 letters without padding, from twice 40 bits. */
function base32(bytes: string): string {
  let text = '';
  for (const i of [0, 5]) {
    const [a, b, c] = [bytes.charCodeAt(i), bytes.charCodeAt(i + 1), bytes.charCodeAt(i + 2)];
    const high = (a << 12) | (b << 4) | (c >> 4);
    const low = ((c & 15) << 16) | (bytes.charCodeAt(i + 3) << 8) | bytes.charCodeAt(i + 4);
    text += `${PAIRS[high >> 10]}${PAIRS[high & 1023]}${PAIRS[low >> 10]}${PAIRS[low & 1023]}`;
  }
  return text;
}
