import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Pod } from '@podwire/kube';
import type { PodContext } from './pod-context.ts';
import { volumeInputs } from './volume-inputs.ts';

const POD: Pod = { metadata: { namespace: 'shop', name: 'web', uid: 'u' }, spec: { containers: [] } };
const HOUR = 3_600_000;

test('a token is renewed before it ends, and each audience has its own', (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: 0 });
  const asked: unknown[] = [];
  const credentials = {
    caCertificate: 'CA',
    serviceAccountToken: (account: object, spec: object) => {
      asked.push([account, spec]);
      return { token: `token ${asked.length}`, expires: new Date(Date.now() + HOUR) };
    },
  };
  const inputs = volumeInputs(
    () => POD,
    () => '10.0.0.1',
    { credentials } as unknown as PodContext,
  );
  const token = (audience?: string): string | undefined =>
    inputs.token({ path: 'token', expirationSeconds: 3600, ...(audience ? { audience } : {}) });
  assert.deepEqual([token(), token(), token('vault')], ['token 1', 'token 1', 'token 2']);
  assert.deepEqual(asked[1], [
    { namespace: 'shop', name: 'default' },
    {
      audiences: ['vault'],
      expirationSeconds: 3600,
      boundObjectRef: { kind: 'Pod', apiVersion: 'v1', name: 'web', uid: 'u' },
    },
  ]);
  t.mock.timers.setTime(0.79 * HOUR);
  assert.equal(token(), 'token 1');
  t.mock.timers.setTime(0.81 * HOUR);
  assert.equal(token(), 'token 3');
});

test('who gets credentials: as the pod says, else as its account does', async () => {
  const wants = (automount: boolean | undefined, ofAccount?: boolean, credentials: object | undefined = {}) => {
    const account = ofAccount === undefined ? undefined : { automountServiceAccountToken: ofAccount };
    const spec = { containers: [], ...(automount === undefined ? {} : { automountServiceAccountToken: automount }) };
    return volumeInputs(
      () => ({ ...POD, spec }),
      () => '',
      { credentials, client: { get: async () => account } } as unknown as PodContext,
    ).wantsToken();
  };
  assert.deepEqual(
    await Promise.all([wants(undefined), wants(undefined, false), wants(true, false), wants(false, true)]),
    [true, false, true, false],
  );
});
