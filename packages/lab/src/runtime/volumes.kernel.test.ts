import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { isReady, startNode } from './node.fixture.ts';

const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount';

test('volumes and credentials: what containers see, share and may not write', { timeout: 600_000 }, async (t) => {
  const node = await startNode(t);
  const namespace = 'default';
  await node.client.create('ServiceAccount', { metadata: { namespace, name: 'default' } });
  await node.client.create('PersistentVolumeClaim', {
    metadata: { namespace, name: 'disk' },
    spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } }, volumeName: 'any' },
  });
  const bound = { status: { phase: 'Bound' } };
  await node.client.patch('PersistentVolumeClaim', { namespace, name: 'disk' }, bound, { subresource: 'status' });
  await node.client.create('Secret', { metadata: { namespace, name: 'keys' }, data: { key: btoa('secret') } });
  const shell = { image: 'busybox:1.36', command: ['sh', '-c', 'while sleep 1; do :; done'] };
  const mounts = [
    { name: 'scratch', mountPath: '/scratch-of-pod' },
    { name: 'settings', mountPath: '/etc/settings-of-pod' },
    { name: 'settings', mountPath: '/etc/one-of-pod', subPath: 'colour' },
    { name: 'all', mountPath: '/all-of-pod' },
    { name: 'claimed', mountPath: '/claimed-of-pod' },
  ];
  const script = '#!/bin/sh\necho from a volume >/scratch-of-pod/made\n';
  await node.run(
    'many',
    {
      initContainers: [
        {
          ...shell,
          name: 'first',
          command: [
            'sh',
            '-c',
            `printf '${script.replaceAll('\n', '\\n')}' >/scratch-of-pod/run; chmod +x /scratch-of-pod/run`,
          ],
          volumeMounts: mounts.slice(0, 1),
        },
        { ...shell, name: 'second', command: ['/scratch-of-pod/run'], volumeMounts: mounts.slice(0, 1) },
      ],
      containers: [{ ...shell, name: 'shell', volumeMounts: mounts }],
      volumes: [
        { name: 'scratch', emptyDir: {} },
        { name: 'settings', configMap: { name: 'settings', items: [{ key: 'colour', path: 'colour', mode: 0o640 }] } },
        {
          name: 'all',
          projected: {
            sources: [
              { secret: { name: 'keys' } },
              { downwardAPI: { items: [{ path: 'meta/labels', fieldRef: { fieldPath: 'metadata.labels' } }] } },
            ],
          },
        },
        { name: 'claimed', persistentVolumeClaim: { claimName: 'disk' } },
      ],
    },
    { labels: { app: 'many' } },
  );
  const events = async () =>
    (await node.client.list('Event')).items.map(({ reason, message }) => `${reason}: ${message}`);
  const deadline = performance.now() + 120_000;
  while (!(await events()).some((line) => /^FailedMount: .*"settings" : configmap "settings" not found$/.test(line))) {
    assert.ok(performance.now() < deadline, 'no event tells what the pod waits for');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await node.client.create('ConfigMap', {
    metadata: { namespace, name: 'settings' },
    data: { colour: 'green', x: 'y' },
  });
  const pod = await node.until('many', isReady);
  const run = async (command: string): Promise<string> => {
    const session = await node.streams.exec(
      { namespace, name: 'many', uid: pod.metadata?.uid ?? '' },
      { container: 'shell', command: ['sh', '-c', command], tty: false, stdin: false },
    );
    session.stderr.resume();
    let text = '';
    for await (const chunk of session.stdout) text += chunk;
    return text;
  };
  assert.equal(await run('cat /scratch-of-pod/made'), 'from a volume\n');
  assert.equal(
    await run('cat /etc/settings-of-pod/colour /etc/one-of-pod; ls /etc/settings-of-pod'),
    'greengreencolour\n',
  );
  assert.match(
    await run('stat -L -c %a /etc/settings-of-pod/colour; echo x 2>&1 >/etc/one-of-pod'),
    /^640\n.*Read-only/,
  );
  assert.equal(await run('cat /all-of-pod/key /all-of-pod/meta/labels'), 'secretapp="many"');
  await run('echo kept >/claimed-of-pod/file');
  const { uid: claim = '' } =
    (await node.client.get('PersistentVolumeClaim', { namespace, name: 'disk' }))?.metadata ?? {};
  assert.equal(readFileSync(path.join(node.directory, 'claims', claim, 'file'), 'utf8'), 'kept\n');

  assert.match(await run(`cat ${ACCOUNT}/ca.crt`), /^-----BEGIN CERTIFICATE/);
  assert.equal(await run(`cat ${ACCOUNT}/namespace; stat -L -c ' %a %U' ${ACCOUNT}/token`), 'default 600 root\n');
  const token = await run(`cat ${ACCOUNT}/token`);
  const claims = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
  assert.deepEqual(claims['kubernetes.io'].pod, { name: 'many', uid: pod.metadata?.uid });

  await run('echo mine >/etc/written-by-pod; mkdir -p /new-of-pod');
  assert.equal(await run('cat /etc/written-by-pod'), 'mine\n');
  const traces = [...mounts.map(({ mountPath }) => mountPath), '/etc/written-by-pod', '/new-of-pod'];
  assert.deepEqual(
    traces.filter((file) => existsSync(file)),
    [],
  );
});
