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
