import { sign, verify } from 'node:crypto';
import type { SigningKey } from './signing-key.ts';

const PART = /^[A-Za-z0-9_-]+$/;
/** r and s of P-256. */
const SIGNATURE_LENGTH = 64;
const LONGEST = 16 * 1024;

/** A JSON Web Token (RFC 7519) signed with ES256, in compact form. */
export function signJwt(claims: object, { privateKey, id }: SigningKey): string {
  const signed = `${encode({ alg: 'ES256', kid: id })}.${encode(claims)}`;
  const signature = sign('sha256', Buffer.from(signed), { key: privateKey, dsaEncoding: 'ieee-p1363' });
  return `${signed}.${signature.toString('base64url')}`;
}

/**
 * The claims of a token that this key signed with ES256; undefined for whatever else. Nothing in the token has a say in
 * how it is verified: `alg: none`, a key inside the token and other algorithms (RFC 8725, section 3) are no tokens.
 */
export function verifyJwt(token: string, { publicKey, id }: SigningKey): Readonly<Record<string, unknown>> | undefined {
  const parts = token.length <= LONGEST ? token.split('.') : [];
  const [header = '', claims = '', signature = ''] = parts;
  if (parts.length !== 3 || !parts.every((part) => PART.test(part))) return undefined;
  const { alg, kid, crit } = decode(header) ?? {};
  if (alg !== 'ES256' || kid !== id || crit !== undefined) return undefined;
  const bytes = Buffer.from(signature, 'base64url');
  if (bytes.length !== SIGNATURE_LENGTH || bytes.toString('base64url') !== signature) return undefined;
  const key = { key: publicKey, dsaEncoding: 'ieee-p1363' } as const;
  return verify('sha256', Buffer.from(`${header}.${claims}`), key, bytes) ? decode(claims) : undefined;
}

function encode(value: object): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url');
}

function decode(part: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(Buffer.from(part, 'base64url').toString());
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
