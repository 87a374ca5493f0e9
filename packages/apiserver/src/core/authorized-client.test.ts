import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { parsePrefix } from '@podwire/base';
import { createKubeClient, type KubeClient, recordEvent } from '@podwire/kube';
import { startApiServer } from '../server.ts';

const AGENT = { namespace: 'kube-system', name: 'podwire-agent' };
const DEPLOYMENT = {
  metadata: { name: 'web' },
  spec: { selector: {}, template: { spec: { containers: [] } } },
} as never;

/** What an agent may do, by whatever way it speaks. */
async function mayWhatAnAgentMay(client: KubeClient): Promise<void> {
  const refused = { code: 'KUBE_FORBIDDEN' };
  assert.equal((await client.list('Node')).items.length, 1);
  await client.patch('Node', { name: 'n' }, { metadata: { annotations: { a: 'b' } } });
  await assert.rejects(client.list('Secret'), refused);
  await assert.rejects(client.get('Secret', { namespace: 'kube-system', name: 's' }), refused);
  await assert.rejects(client.create('Deployment', DEPLOYMENT), refused);
  await assert.rejects(client.delete('Pod', { name: 'p' }), refused);
  await assert.rejects(client.bind({ name: 'p', namespace: 'default' }, 'n'), refused);
  await assert.rejects(
    client.watch('Secret', { resourceVersion: '1' }, () => {}),
    refused,
  );
  await assert.rejects(client.update('Node', { metadata: { name: 'n' } }), refused);
  await assert.rejects(client.patch('Lease', { namespace: 'default', name: 'x' }, { spec: {} }), {
    code: 'KUBE_NOT_FOUND',
  });
  const lease = { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'y' } };
  await client.patch('Lease', { namespace: 'default', name: 'y' }, lease, { type: 'apply' });
  await assert.rejects(
    client.patch('Pod', { namespace: 'default', name: 'new' }, { spec: {} }, { type: 'apply' }),
    refused,
  );
  const object = { apiVersion: 'v1', kind: 'Node', name: 'n' };
  const told = {
    object,
    type: 'Warning',
    reason: 'PolicyRepaired',
    message: 'why',
    component: 'podwire-policy',
  } as const;
  for (const time of ['first', 'second']) assert.ok(await recordEvent(client, told), `an Event is told a ${time} time`);
  client.close();
}

test('in process and on a socket that asks for tokens, an agent does what its role says', async (t) => {
  const directory = await mkdtemp(path.join(tmpdir(), 'podwire-agents-'));
  const server = await startApiServer({
    serviceCidrs: [parsePrefix('10.96.0.0/12')],
    nodePortRange: [30000, 32767],
  });
  t.after(async () => {
    await server.close();
    await rm(directory, { recursive: true });
  });
  const admin = server.client();
  await admin.create('Node', { metadata: { name: 'n' } });
  assert.equal(server.serviceAccountToken(AGENT, {}), undefined);
  await admin.create('ServiceAccount', { metadata: AGENT });
  const { token, expires } = server.serviceAccountToken(AGENT, { expirationSeconds: 600 }) ?? {};
  assert.ok(expires && expires.getTime() > Date.now());
  assert.match(server.caCertificate, /BEGIN CERTIFICATE/);

  await mayWhatAnAgentMay(
    server.client({ name: 'system:serviceaccount:kube-system:podwire-agent', groups: ['system:authenticated'] }),
  );
  const socketPath = path.join(directory, 'agents.sock');
  await server.listenUnix(socketPath, { tokens: true });
  await admin.delete('Lease', { namespace: 'default', name: 'y' });
  await mayWhatAnAgentMay(createKubeClient({ socketPath, ...(token ? { token } : {}) }));
  await assert.rejects(createKubeClient({ socketPath }).list('Node'), {
    message: /^Unauthorized: the API server does not accept/,
  });
});
