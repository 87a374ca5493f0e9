import assert from 'node:assert/strict';
import { test } from 'node:test';
import { planAccess } from './secret-access.ts';

const ingress = (namespace: string, ...secrets: (string | undefined)[]) => ({
  metadata: { namespace, name: 'i' },
  spec: { tls: secrets.map((secretName) => (secretName === undefined ? {} : { secretName })) },
});

test('access is to the Secrets that Ingresses of the namespace name, each once', () => {
  const plan = planAccess([ingress('shop', 'b', 'a'), ingress('shop', 'a', undefined), ingress('bank', 'c'), {}]);
  assert.deepEqual(Object.fromEntries(plan), { bank: ['c'], shop: ['a', 'b'] });
  assert.equal(planAccess([ingress('shop', undefined)]).size, 0);
});
