import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startApiServer } from '../server.ts';

test('a pod is refused when its account or its runtime class does not exist', async (t) => {
  const server = await startApiServer();
  t.after(() => server.close());
  const client = server.client();
  const containers = [{ name: 'c', image: 'i:1' }];
  const make = (spec: object) =>
    client.create('Pod', { metadata: { name: 'x', namespace: 'default' }, spec: { containers, ...spec } });
  const why = 'error looking up service account default/nope: serviceaccount "nope" not found';
  for (const field of ['serviceAccountName', 'serviceAccount'])
    await assert.rejects(make({ [field]: 'nope' }), {
      code: 'KUBE_FORBIDDEN',
      message: `pods "x" is forbidden: ${why}`,
    });
  await assert.rejects(make({ runtimeClassName: 'none' }), {
    code: 'KUBE_FORBIDDEN',
    message: 'pods "x" is forbidden: pod rejected: RuntimeClass "none" not found',
  });
  await client.create('ServiceAccount', { metadata: { name: 'robot', namespace: 'default' } });
  await client.create('RuntimeClass', { metadata: { name: 'small' }, handler: 'h' });
  const pod = await make({ serviceAccountName: 'robot', runtimeClassName: 'small' });
  assert.equal(pod.spec?.serviceAccountName, 'robot');
});
