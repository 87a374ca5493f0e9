import { DecodeError, encodeError } from '../errors.ts';
import type { Codec } from '../netlink/codec.ts';

/** A transform and its key. */
export interface XfrmAlgorithm {
  /** By the crypto API's name: `cbc(aes)`, `rfc4106(gcm(aes))`, `hmac(sha256)`; /proc/crypto. */
  readonly name: string;
  readonly key: Uint8Array;
}

const NAME_BYTES = 64;
const ALGORITHM = { plain: 68, withBits: 72 } as const;

/** struct xfrm_algo: name, bits of the key, key. The key is shown neither by the pretty-printer nor in traces and errors. */
export const xfrmAlgorithm: Codec<XfrmAlgorithm> = {
  name: 'xfrm_algo',
  format: formatHidden,
  secretFrom: ALGORITHM.plain,
  write(out, { name, key }) {
    writeName(out, name);
    out.u32(key.length * 8);
    out.raw(key);
  },
  read: (bytes) => ({ name: readName(bytes, ALGORITHM.plain), key: readKey(bytes, ALGORITHM.plain) }),
};

/** As xfrm_algo with one more length in bits: of the checksum (ICV) or of what is kept of it. */
export interface XfrmSealingAlgorithm extends XfrmAlgorithm {
  readonly icvBits: number;
}

/** struct xfrm_algo_aead and xfrm_algo_auth, which are laid out alike. */
function sealing(name: string): Codec<XfrmSealingAlgorithm> {
  return {
    name,
    format: formatHidden,
    secretFrom: ALGORITHM.withBits,
    write(out, value) {
      writeName(out, value.name);
      out.u32(value.key.length * 8);
      if (!Number.isInteger(value.icvBits) || value.icvBits < 0 || value.icvBits > 4096)
        throw encodeError(`icvBits of ${value.icvBits} for ${value.name}`);
      out.u32(value.icvBits);
      out.raw(value.key);
    },
    read(bytes) {
      const algorithm = readName(bytes, ALGORITHM.withBits);
      return { name: algorithm, icvBits: bytes.readUInt32LE(68), key: readKey(bytes, ALGORITHM.withBits) };
    },
  };
}
export const xfrmAead = sealing('xfrm_algo_aead');
export const xfrmAuthentication = sealing('xfrm_algo_auth');

function formatHidden({ name, key }: XfrmAlgorithm): string {
  return `${name} with a key of ${key.length * 8} bits`;
}

function writeName(out: Parameters<Codec<unknown>['write']>[0], name: string): void {
  const length = Buffer.byteLength(name);
  if (length === 0 || length >= NAME_BYTES || name.includes('\0'))
    throw encodeError(`the algorithm name ${JSON.stringify(name)}; it has 1 to ${NAME_BYTES - 1} bytes`);
  out.text(name);
  out.zeros(NAME_BYTES - length);
}

function readName(bytes: Buffer, header: number): string {
  if (bytes.length < header) throw new DecodeError(`an algorithm from ${bytes.length} bytes`);
  const end = bytes.indexOf(0);
  return bytes.toString('latin1', 0, end < 0 || end > NAME_BYTES ? NAME_BYTES : end);
}

function readKey(bytes: Buffer, header: number): Uint8Array {
  const length = Math.ceil(bytes.readUInt32LE(NAME_BYTES) / 8);
  if (header + length > bytes.length) throw new DecodeError(`a key of ${length} bytes`, { offset: NAME_BYTES });
  return bytes.subarray(header, header + length);
}
