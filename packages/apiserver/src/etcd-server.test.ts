import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasCode, parsePrefix } from '@podwire/base';
import { type ApiServer, startApiServer } from './server.ts';
import { openPki } from './surface/index.ts';
import { EtcdProcess } from './testing/etcd.ts';

let etcd: EtcdProcess;
before(async () => {
  etcd = await EtcdProcess.start();
});
after(() => etcd.stop());

const start = (): Promise<ApiServer> =>
  startApiServer({
    serviceCidrs: [parsePrefix('10.96.0.0/12')],
    nodePortRange: [30000, 32767],
    etcd: { servers: ['http://127.0.0.1:1', etcd.url], patience: 3000 },
  });

const service = (name: string) => ({
  metadata: { name, namespace: 'default' },
  spec: { type: 'NodePort' as const, ports: [{ port: 80, nodePort: 31000 }] },
});

test('an API server on etcd: restart, etcd away, another server', { timeout: 600_000 }, async (t) => {
  const first = await start();
  t.after(() => first.close());
  const created = await first.client().create('Service', service('web'));
  await first.close();
  const second = await start();
  t.after(() => second.close());
  const client = second.client();
  const key = { namespace: 'default', name: 'web' };
  assert.deepEqual(await client.get('Service', key), created);
  assert.deepEqual(second.repairs, []);
  await assert.rejects(client.create('Service', service('two')), /provided port is already allocated/);

  await etcd.down();
  // What is under way waits for etcd; when it does not come back, later writes are refused. Reads go on.
  const waiting = client.create('ConfigMap', { metadata: { name: 'waited', namespace: 'default' } });
  const refused = async () => {
    for (;;) {
      const write = client.create('ConfigMap', { metadata: { generateName: 'x-', namespace: 'default' } });
      const so = await Promise.race([
        write.then(
          () => 'taken',
          (error) => error,
        ),
        sleep(200, 'waits'),
      ]);
      if (so !== 'waits') return so;
    }
  };
  const error = await refused();
  assert.ok(hasCode(error, 'KUBE_UNAVAILABLE'), String(error));
  assert.match(error.message, /etcd does not answer/);
  assert.equal((await client.get('Service', key))?.metadata?.name, 'web');
  await etcd.up();
  assert.equal((await waiting).metadata?.name, 'waited');

  const third = await start();
  t.after(() => third.close());
  assert.ok(await third.client().get('ConfigMap', { namespace: 'default', name: 'waited' }));
  await assert.rejects(
    client.create('ConfigMap', { metadata: { name: 'late', namespace: 'default' } }),
    /another API server uses this etcd now/,
  );
});

test('without an etcd the start ends with an error', { timeout: 600_000 }, async () => {
  const options = {
    serviceCidrs: [],
    nodePortRange: [30000, 32767],
    etcd: { servers: ['http://127.0.0.1:1'], patience: 500 },
  } as const;
  await assert.rejects(startApiServer(options), {
    code: 'APISERVER_ETCD',
    message: /^etcd at http:\/\/127\.0\.0\.1:1 cannot be used: connect ECONNREFUSED .*; see that it runs/,
  });
});

test('over TLS, with an authority of its own', { timeout: 600_000 }, async (t) => {
  const pki = await openPki({ names: ['127.0.0.1'] });
  const secure = await EtcdProcess.start(pki.serving);
  t.after(() => secure.stop());
  const state = { servers: [secure.url], patience: 3000 };
  const server = await startApiServer({ etcd: { ...state, patience: 60_000, tls: { ca: pki.ca } } });
  t.after(() => server.close());
  assert.ok(await server.client().create('ConfigMap', { metadata: { name: 'a', namespace: 'default' } }));
  await assert.rejects(startApiServer({ etcd: state }), { code: 'APISERVER_ETCD', message: /certificate/ });
});
