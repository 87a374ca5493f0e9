import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startApiServer } from '@podwire/apiserver';
import { silentLogger } from '@podwire/base';
import { createInformers, type Informers, parseClusterConfig } from '@podwire/kube';
import { startScheduler } from '../scheduler.ts';
import { eventually } from '../testing/control-plane.ts';

/** The same informers; calls back at each pass of a scheduler, which lists the nodes. */
function watched(informers: Informers, onPass: () => void): Informers {
  const of: Informers['of'] = (kind, options) => {
    const informer = informers.of(kind, options);
    if (kind !== 'Node') return informer;
    const list = () => {
      onPass();
      return informer.list();
    };
    return Object.create(informer, { list: { value: list } }) as typeof informer;
  };
  return { of, stop: () => informers.stop() };
}

test('while a pod waits, many events of claims and nodes make few passes', async (t) => {
  const server = await startApiServer();
  t.after(() => server.close());
  const client = server.client();
  const informers = createInformers(client);
  t.after(() => informers.stop());
  let passes = 0;
  const counted = watched(informers, () => passes++);
  const scheduler = startScheduler({ client, informers: counted, config: parseClusterConfig(), logger: silentLogger });
  t.after(() => scheduler.stop());
  const [pod, claim] = [
    { namespace: 'default', name: 'patient' },
    { namespace: 'default', name: 'data' },
  ];
  const volumes = [{ name: 'v', persistentVolumeClaim: { claimName: 'missing' } }];
  await client.create('Pod', { metadata: pod, spec: { containers: [{ name: 'c', image: 'one' }], volumes } });
  await eventually('its refusal', async () => (await client.get('Pod', pod))?.status?.conditions?.length);
  await client.create('Node', { metadata: { name: 'a' } });
  const resources = { requests: { storage: '1Gi' } };
  await client.create('PersistentVolumeClaim', {
    metadata: claim,
    spec: { accessModes: ['ReadWriteOnce'], resources },
  });
  const [start, before] = [performance.now(), passes];
  for (let round = 0; round < 150; round++) {
    const labels = { round: `${round}` };
    await client.patch('PersistentVolumeClaim', claim, { metadata: { labels } });
    await client.patch('Node', { name: 'a' }, { metadata: { labels } });
    // Informers tell what happened when the loop turns.
    await new Promise((resolve) => setImmediate(resolve));
  }
  // A pass each 50 ms, and what was under way: the status that it writes is one more event.
  const most = 5 + (performance.now() - start) / 40;
  assert.ok(passes - before <= most, `${passes - before} passes, ${most} at most`);
  await eventually('a pass after the last event', async () => passes > before);
});
