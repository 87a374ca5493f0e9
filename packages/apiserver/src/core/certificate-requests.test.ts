import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CERTIFICATE_REQUEST } from '../testing/certificate-request.ts';
import { restBench } from './rest.fixture.ts';

const AT = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
const spec = { request: CERTIFICATE_REQUEST, signerName: 'example.com/s', usages: ['client auth'], username: 'root' };
const LEGACY = 'kubernetes.io/legacy-unknown';
const approved = { type: 'Approved', status: 'True', reason: 'Fine' };

test('a request is from who makes it, and stays what it is', async (t) => {
  const { ask } = await restBench(t);
  const made = await ask(`POST ${AT}`, { metadata: { name: 'a' }, spec, status: { certificate: 'MAA=' } });
  assert.deepEqual([made.code, made.body.spec.username, made.body.status], [201, 'kubernetes-admin', undefined]);
  const changed = await ask(`PATCH ${AT}/a`, {
    spec: { signerName: 'example.com/other' },
    metadata: { labels: { a: 'b' } },
  });
  assert.deepEqual([changed.body.spec.signerName, changed.body.metadata.labels], ['example.com/s', { a: 'b' }]);
});

test('decisions come by /approval only, certificates by /status only', async (t) => {
  const { ask } = await restBench(t);
  await ask(`POST ${AT}`, { metadata: { name: 'a' }, spec });
  const status = { conditions: [approved, { type: 'Failed', status: 'True' }], certificate: 'MAA=' };
  const signed = await ask(`PATCH ${AT}/a/status`, { status });
  const types = (body: { status: { conditions: { type: string }[] } }) =>
    body.status.conditions.map(({ type }) => type);
  assert.deepEqual([types(signed.body), signed.body.status.certificate], [['Failed'], 'MAA=']);
  const conditions = [...signed.body.status.conditions, approved];
  const decided = await ask(`PATCH ${AT}/a/approval`, { status: { certificate: 'MQ==', conditions } });
  assert.deepEqual([types(decided.body), decided.body.status.certificate], [['Failed', 'Approved'], 'MAA=']);
  assert.equal((await ask(`GET ${AT}/a/approval`)).code, 200);
  const again = await ask(`PATCH ${AT}/a/status`, { status: { certificate: 'MQ==' } });
  assert.match(again.body.message, /updates may not modify existing certificate content/);
  const both = [...conditions, { type: 'Denied', status: 'True' }];
  assert.equal((await ask(`PATCH ${AT}/a/approval`, { status: { conditions: both } })).code, 422);
});

test('what is no request is refused', async (t) => {
  const { ask } = await restBench(t);
  const wrong = { ...spec, request: 'MAA=', signerName: 'nobody', usages: ['spying'], expirationSeconds: 5 };
  const { code, body } = await ask(`POST ${AT}`, { metadata: { name: 'a' }, spec: wrong });
  const fields = body.details.causes.map(({ field }: { field: string }) => field);
  assert.deepEqual(
    [code, fields],
    [422, ['spec.request', 'spec.usages[0]', 'spec.signerName', 'spec.expirationSeconds']],
  );
  const legacy = await ask(`POST ${AT}`, { metadata: { name: 'a' }, spec: { ...spec, signerName: LEGACY } });
  assert.match(legacy.body.message, /the legacy signerName is not allowed via this API version/);
});
