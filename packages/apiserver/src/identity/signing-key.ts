import {
  createHash,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The key pair of an issuer of tokens (P-256). */
export interface SigningKey {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** SHA-256 of the public key, for the `kid` of tokens. */
  readonly id: string;
}

const FILE = 'service-account.key';

/** The key kept in the directory (0600), or a new one; without a directory it ends with the process, and its tokens. */
export async function openSigningKey(directory: string | undefined): Promise<SigningKey> {
  if (directory === undefined) return keyOf(newKey());
  const path = join(directory, FILE);
  const kept = await readKept(path);
  if (kept) return keyOf(kept);
  const made = newKey();
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await writeFile(`${path}.new`, made.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  await rename(`${path}.new`, path);
  return keyOf(made);
}

function newKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
}

/** Undefined when there is none, or none that can be used: then tokens handed out before are void. */
async function readKept(path: string): Promise<KeyObject | undefined> {
  try {
    const key = createPrivateKey(await readFile(path));
    return key.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? key : undefined;
  } catch {
    return undefined;
  }
}

function keyOf(privateKey: KeyObject): SigningKey {
  const publicKey = createPublicKey(privateKey);
  const der = publicKey.export({ type: 'spki', format: 'der' });
  return { privateKey, publicKey, id: createHash('sha256').update(der).digest('base64url') };
}

/** The public key as RFC 7517 writes it. */
export function publicJwk({ publicKey, id }: SigningKey): JsonWebKey {
  const { kty, crv, x, y } = publicKey.export({ format: 'jwk' });
  return { use: 'sig', kty, kid: id, crv, alg: 'ES256', x, y } as JsonWebKey;
}
