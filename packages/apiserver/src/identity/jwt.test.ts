import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { signJwt, verifyJwt } from './jwt.ts';
import { openSigningKey, publicJwk } from './signing-key.ts';

const key = await openSigningKey(undefined);
const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
const claims = { sub: 'a', exp: 1 };
const token = signJwt(claims, key);
const [header = '', body = '', signature = ''] = token.split('.');

test('a token signed here is read, by anybody who has the public key', async () => {
  assert.deepEqual(verifyJwt(token, key), claims);
  const jwk = publicJwk(key);
  const imported = await crypto.subtle.importKey('jwk', jwk, { name: 'ECDSA', namedCurve: 'P-256' }, false, ['verify']);
  const bytes = Buffer.from(signature, 'base64url');
  const signed = Buffer.from(`${header}.${body}`);
  assert.ok(await crypto.subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, imported, bytes, signed));
  assert.equal(jwk.d, undefined);
});

test('forged tokens are none', () => {
  const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
  const forgedBy = (text: string) =>
    sign('sha256', Buffer.from(text), { key: other, dsaEncoding: 'ieee-p1363' }).toString('base64url');
  const pem = key.publicKey.export({ type: 'spki', format: 'pem' });
  const withHeader = (fields: object) => `${encode({ alg: 'ES256', kid: key.id, ...fields })}.${body}`;
  const der = sign('sha256', Buffer.from(`${header}.${body}`), key.privateKey).toString('base64url');
  const hmacHeader = withHeader({ alg: 'HS256' });
  const forged: Readonly<Record<string, string>> = {
    'no algorithm': `${withHeader({ alg: 'none' })}.`,
    'no algorithm, a signature': `${withHeader({ alg: 'none' })}.${signature}`,
    'no signature': `${header}.${body}.`,
    'public key as a secret': `${hmacHeader}.${createHmac('sha256', pem).update(hmacHeader).digest('base64url')}`,
    'other key': `${header}.${body}.${forgedBy(`${header}.${body}`)}`,
    'own key inside': `${withHeader({ jwk: { kty: 'EC' } })}.${forgedBy(withHeader({ jwk: { kty: 'EC' } }))}`,
    'other key id': `${withHeader({ kid: '../../dev/null' })}.${signature}`,
    'critical extension': `${withHeader({ crit: ['b64'], b64: false })}.${signature}`,
    'other claims': `${header}.${encode({ sub: 'admin' })}.${signature}`,
    'all zero': `${header}.${body}.${Buffer.alloc(64).toString('base64url')}`,
    'DER signature': `${header}.${body}.${der}`,
    'a part more': `${token}.${body}`,
    padding: `${token}=`,
    'other letters': token.replace('.', '.\n'),
    'last bits': `${token.slice(0, -1)}${String.fromCharCode(token.charCodeAt(token.length - 1) ^ 1)}`,
    'header is no object': `${encode(['ES256'])}.${body}.${signature}`,
    'header is null': `${encode(null)}.${body}.${signature}`,
    long: `${header}.${'a'.repeat(100_000)}.${signature}`,
    empty: '',
  };
  for (const [what, text] of Object.entries(forged)) assert.equal(verifyJwt(text, key), undefined, what);
});

test('whatever is changed in a token makes it none, and nothing throws', () => {
  fc.assert(
    fc.property(fc.nat(token.length - 1), fc.string({ minLength: 1, maxLength: 3 }), (at, text) => {
      const changed = token.slice(0, at) + text + token.slice(at + text.length);
      assert.ok(changed === token || verifyJwt(changed, key) === undefined);
    }),
    { numRuns: 500 },
  );
  fc.assert(
    fc.property(fc.string(), fc.string(), fc.string(), (a, b, c) => {
      assert.equal(verifyJwt([a, b, c].join('.'), key), undefined);
    }),
  );
});
