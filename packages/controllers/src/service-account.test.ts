import assert from 'node:assert/strict';
import { test } from 'node:test';
import { eventually, startControlPlane } from './testing/control-plane.ts';

test('every namespace has its default ServiceAccount and its root certificate, whatever is done to them', async (t) => {
  const { client } = await startControlPlane(t);
  await client.create('Namespace', { metadata: { name: 'new' } });
  const account = { namespace: 'new', name: 'default' };
  const authority = { namespace: 'new', name: 'kube-root-ca.crt' };
  const text = async () => (await client.get('ConfigMap', authority))?.data?.['ca.crt'];
  const uid = async () => (await client.get('ServiceAccount', account))?.metadata?.uid;
  await eventually('the certificate', async () => (await text()) === 'certificate\n');
  const first = await eventually('the account', uid);
  await client.delete('ServiceAccount', account);
  const second = await eventually('the account again', uid);
  assert.notEqual(second, first);
  await client.patch('ConfigMap', authority, { data: { 'ca.crt': 'forged' } });
  await eventually('the certificate again', async () => (await text()) === 'certificate\n');
});

test('a Secret for the token of an account gets it, and goes with the account; without one it goes at once', async (t) => {
  const { client } = await startControlPlane(t);
  const at = (name: string) => ({ namespace: 'default', name });
  const secretOf = (account: string) => ({
    metadata: { ...at(`${account}-token`), annotations: { 'kubernetes.io/service-account.name': account } },
    type: 'kubernetes.io/service-account-token',
  });
  const account = await client.create('ServiceAccount', { metadata: at('builder') });
  for (const name of ['builder', 'nobody']) await client.create('Secret', secretOf(name));
  const data = await eventually('the token', async () => (await client.get('Secret', at('builder-token')))?.data);
  assert.deepEqual([atob(data['ca.crt'] ?? ''), atob(data.namespace ?? '')], ['certificate\n', 'default']);
  const claims = JSON.parse(Buffer.from(atob(data.token ?? '').split('.')[1] ?? '', 'base64url').toString());
  assert.equal(claims.sub, 'system:serviceaccount:default:builder');
  assert.equal(claims['kubernetes.io'].secret.name, 'builder-token');
  const secret = await client.get('Secret', at('builder-token'));
  assert.equal(secret?.metadata?.annotations?.['kubernetes.io/service-account.uid'], account.metadata?.uid);
  await eventually('the end of the other', async () => !(await client.get('Secret', at('nobody-token'))));
  await client.delete('ServiceAccount', at('builder'));
  await eventually('the end of the Secret', async () => !(await client.get('Secret', at('builder-token'))));
});
