import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import { signCertificate } from './certificate-authority.ts';
import { newAuthority, newRequest } from './new-request.fixture.ts';
import { readRequest } from './request-content.ts';

const NOW = Date.parse('2026-01-01T00:00:00Z');
const HOUR = 3600;
const ALGORITHMS = [
  { name: 'ECDSA', namedCurve: 'P-384', hash: 'SHA-384' },
  { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', modulusLength: 1024, publicExponent: Uint8Array.of(1, 0, 1) },
  { name: 'Ed25519', hash: 'SHA-512' },
];

test('keys of all kinds get certificates with the names and usages that are asked for', async () => {
  for (const algorithm of ALGORITHMS) {
    const authority = await newAuthority('2027-01-01', algorithm);
    const names = [
      { type: 'dns', value: 'node-a' },
      { type: 'ip', value: '10.0.0.1' },
      { type: 'ip', value: 'fd00::1' },
    ] as const;
    const { request } = await newRequest('CN=system:node:a, O=system:nodes', [...names], algorithm);
    const content = await readRequest(atob(request));
    const { commonName, organizations, dnsNames, addresses } = content;
    assert.deepEqual(
      { commonName, organizations, dnsNames, addresses },
      {
        ...{ commonName: 'system:node:a', organizations: ['system:nodes'] },
        ...{ dnsNames: ['node-a'], addresses: ['10.0.0.1', 'fd00::1'] },
      },
    );
    const pem = await signCertificate(authority, { content, usages: ['server auth', 'any'], now: NOW });
    const [signed, own] = [new X509Certificate(pem), new X509Certificate(authority.certificate)];
    assert.ok(signed.checkIssued(own) && signed.verify(own.publicKey), algorithm.name);
    assert.equal(signed.subjectAltName, 'DNS:node-a, IP Address:10.0.0.1, IP Address:FD00:0:0:0:0:0:0:1');
    assert.deepEqual([signed.ca, signed.keyUsage.toSorted()], [false, ['1.3.6.1.5.5.7.3.1', '2.5.29.37.0']]);
  }
});

test('a certificate is as long as asked for, a year at most, and ends with its authority', async () => {
  const { request } = await newRequest('CN=jane');
  const content = await readRequest(atob(request));
  const authority = await newAuthority('2028-01-01');
  const ends = async (expirationSeconds?: number, now = NOW): Promise<string> => {
    const pem = await signCertificate(authority, { content, usages: ['client auth'], expirationSeconds, now });
    assert.equal(new X509Certificate(pem).validFromDate.getTime(), now - 300_000);
    return new X509Certificate(pem).validToDate.toISOString();
  };
  assert.equal(await ends(600), '2026-01-01T00:10:00.000Z');
  assert.equal(await ends(HOUR), '2026-01-01T01:00:00.000Z');
  assert.equal(await ends(24 * HOUR), '2026-01-01T23:55:00.000Z', 'counted from five minutes ago');
  assert.equal(await ends(), '2026-12-31T23:55:00.000Z');
  assert.equal(await ends(99_999 * HOUR), '2026-12-31T23:55:00.000Z');
  assert.equal(await ends(undefined, Date.parse('2027-12-01')), '2028-01-01T00:00:00.000Z');
  await assert.rejects(ends(600, Date.parse('2028-01-01')), /certificate of the authority ended/);
});

test('what is no request, or not of its key, is not read', async () => {
  const { request } = await newRequest('CN=jane');
  const der = Buffer.from(atob(request).replace(/-----[^-]+-----|\s/g, ''), 'base64');
  const pemOf = (bytes: Uint8Array): string =>
    `-----BEGIN CERTIFICATE REQUEST-----\n${Buffer.from(bytes).toString('base64')}\n-----END CERTIFICATE REQUEST-----\n`;
  assert.equal((await readRequest(pemOf(der))).commonName, 'jane');
  const renamed = Buffer.from(der);
  renamed.write('root', renamed.indexOf('jane'));
  await assert.rejects(readRequest(pemOf(renamed)), /signature of the request is not of its key/);
  for (const text of ['', 'hello', pemOf(Buffer.of()), pemOf(der.subarray(0, 40)), pemOf(Buffer.alloc(200, 0x30))])
    await assert.rejects(readRequest(text));
});

test('a subject that somebody may read in another way is not read', async () => {
  const masters = Buffer.from('120e73797374656d3a6d617374657273', 'hex');
  assert.equal(masters.subarray(2).toString(), 'system:masters');
  for (const [subject, why] of [
    ['CN=system:kube-controller-manager, CN=system:node:a, O=system:nodes', /more than one common name/],
    [`CN=jane, O=#${masters.toString('hex')}`, /a value that is no text/],
  ] as const) {
    const { request } = await newRequest(subject);
    await assert.rejects(readRequest(atob(request)), why);
  }
});
