import { constants, createPublicKey, type KeyObject, verify } from 'node:crypto';

/** A request for a certificate (PKCS #10, RFC 2986), as far as a server has to know it. */
export interface SignedRequest {
  /** Of the subject: the groups of a user. */
  readonly organizations: readonly string[];
}

/** A value in DER: all its bytes, and those of its content. */
interface Value {
  readonly tag: number;
  readonly whole: Buffer;
  readonly content: Buffer;
}

/** By object identifiers in DER: the type of key and the digest that is signed; Ed25519 has none. */
const ALGORITHMS: Readonly<Record<string, readonly [key: string, digest: string | null]>> = {
  '2a864886f70d010105': ['rsa', 'sha1'],
  '2a864886f70d01010b': ['rsa', 'sha256'],
  '2a864886f70d01010c': ['rsa', 'sha384'],
  '2a864886f70d01010d': ['rsa', 'sha512'],
  '2a8648ce3d0401': ['ec', 'sha1'],
  '2a8648ce3d040302': ['ec', 'sha256'],
  '2a8648ce3d040303': ['ec', 'sha384'],
  '2a8648ce3d040304': ['ec', 'sha512'],
  '2b6570': ['ed25519', null],
};
/** RSASSA-PSS, whose parameters name the digest. */
const PSS = '2a864886f70d01010a';
const DIGESTS = { '608648016503040201': 'sha256', '608648016503040202': 'sha384', '608648016503040203': 'sha512' };
const ORGANIZATION = '55040a';
const MALFORMED = 'malformed certificate request';
/** Tags. */
const BIT_STRING = 0x03;
const IDENTIFIER = 0x06;
const UTF16 = 0x1e;
const SEQUENCE = 0x30;

/** Of PEM in base64. Throws when it is none, and when who made it does not have the key. */
export function readSignedRequest(request: string): SignedRequest {
  const pem = Buffer.from(request, 'base64').toString('latin1');
  const block = /^\s*-----BEGIN (NEW )?CERTIFICATE REQUEST-----([^-]*)-----END (NEW )?CERTIFICATE REQUEST-----/.exec(
    pem,
  );
  if (!block) throw new Error('PEM block type must be CERTIFICATE REQUEST');
  const whole = valuesIn(Buffer.from(block[2] ?? '', 'base64'));
  const parts = valuesIn(content(whole[0], SEQUENCE));
  const [info, algorithm, signature] = parts;
  const [, subject, key] = valuesIn(content(info, SEQUENCE));
  const bits = content(signature, BIT_STRING);
  if (whole.length !== 1 || parts.length !== 3 || bits[0] !== 0 || !info || !key) throw new Error(MALFORMED);
  const publicKey = createPublicKey({ key: key.whole, format: 'der', type: 'spki' });
  // The first byte counts the bits that are not used.
  if (!isSigned(info.whole, content(algorithm, SEQUENCE), { publicKey, signature: bits.subarray(1) }))
    throw new Error('the signature of the request is not of its key');
  return { organizations: organizationsIn(content(subject, SEQUENCE)) };
}

function content(value: Value | undefined, tag: number): Buffer {
  if (value?.tag !== tag) throw new Error(MALFORMED);
  return value.content;
}

function isSigned(
  data: Buffer,
  algorithm: Buffer,
  { publicKey, signature }: { readonly publicKey: KeyObject; readonly signature: Buffer },
): boolean {
  const oid = content(valuesIn(algorithm)[0], IDENTIFIER).toString('hex');
  if (oid === PSS) {
    const digest = Object.entries(DIGESTS).find(([name]) => algorithm.toString('hex').includes(name))?.[1] ?? 'sha1';
    const { RSA_PKCS1_PSS_PADDING: padding, RSA_PSS_SALTLEN_DIGEST: saltLength } = constants;
    return verify(digest, data, { key: publicKey, padding, saltLength }, signature);
  }
  const [type, digest] = ALGORITHMS[oid] ?? [];
  if (type === undefined || digest === undefined || type !== publicKey.asymmetricKeyType)
    throw new Error('cannot verify signature: algorithm unimplemented');
  return verify(digest, data, publicKey, signature);
}

function organizationsIn(subject: Buffer): readonly string[] {
  const attributes = valuesIn(subject).flatMap((set) => valuesIn(set.content));
  return attributes.flatMap((attribute) => {
    const [type, value] = valuesIn(attribute.content);
    return value && type?.content.toString('hex') === ORGANIZATION ? [textOf(value)] : [];
  });
}

function textOf({ tag, content }: Value): string {
  return tag === UTF16 && content.length % 2 === 0
    ? Buffer.from(content).swap16().toString('utf16le')
    : content.toString();
}

/** One after the other. Throws for what is no DER. */
function valuesIn(bytes: Buffer): readonly Value[] {
  const values: Value[] = [];
  let start = 0;
  while (start < bytes.length) {
    const first = bytes[start + 1] ?? 0;
    const count = first < 0x80 ? 0 : first & 0x7f;
    if (count > 4 || start + 2 + count > bytes.length) throw new Error(MALFORMED);
    const length = count === 0 ? first : bytes.readUIntBE(start + 2, count);
    const from = start + 2 + count;
    const end = from + length;
    if (first === 0x80 || end > bytes.length) throw new Error(MALFORMED);
    values.push({ tag: bytes[start] ?? 0, whole: bytes.subarray(start, end), content: bytes.subarray(from, end) });
    start = end;
  }
  return values;
}
