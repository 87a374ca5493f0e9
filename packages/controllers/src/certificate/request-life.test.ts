import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ObjectOf } from '@podwire/kube';
import { endOfRequest } from './request-life.ts';

type Request = ObjectOf<'CertificateSigningRequest'>;

const MADE = '2026-01-01T00:00:00Z';
const SAID = '2026-01-01T02:00:00Z';

/** With conditions of these types. */
function request(types: readonly string[], certificate?: string): Request {
  const conditions = types.map((type) => ({ type, status: 'True', lastUpdateTime: SAID as never }));
  const spec = { request: '', signerName: 'example.com/s', usages: [] };
  return {
    metadata: { creationTimestamp: MADE as never },
    spec,
    status: { conditions, ...(certificate ? { certificate } : {}) },
  };
}

test('requests end a day after nobody decided, an hour after they are over, with their certificate at last', () => {
  const end = (types: readonly string[], certificate?: string): string | undefined => {
    const ms = endOfRequest(request(types, certificate));
    return ms === undefined ? undefined : new Date(ms).toISOString();
  };
  assert.equal(end([]), '2026-01-02T00:00:00.000Z');
  assert.equal(end(['Denied']), '2026-01-01T03:00:00.000Z');
  assert.equal(end(['Approved', 'Failed']), '2026-01-01T03:00:00.000Z');
  assert.equal(end(['Approved'], btoa('no certificate')), '2026-01-01T03:00:00.000Z');
  assert.equal(end(['Approved']), undefined, 'a signer of somebody else may take its time');
  assert.equal(endOfRequest({ ...request([]), metadata: {} }), undefined);
});
