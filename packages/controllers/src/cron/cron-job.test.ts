import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AliveNodes } from '../testing/alive-nodes.ts';
import { addNode, eventually, startControlPlane } from '../testing/control-plane.ts';
import { VirtualClock } from '../testing/virtual-clock.ts';

test('a CronJob makes a Job when its time comes, and keeps the latest of those that are over', async (t) => {
  const clock = new VirtualClock(new Date().toISOString());
  const { client } = await startControlPlane(t, clock);
  await addNode(client, 'node-1');
  const node = new AliveNodes(client, clock, ['node-1']);
  const key = { namespace: 'default', name: 'tick' };
  await client.create('CronJob', {
    metadata: key,
    spec: {
      ...{ schedule: '*/5 * * * *', successfulJobsHistoryLimit: 1 },
      jobTemplate: {
        metadata: { labels: { app: 'tick' } },
        spec: { template: { spec: { restartPolicy: 'Never', containers: [{ name: 'c', image: 'succeed' }] } } },
      },
    },
  });
  const seen = new Set<string>();
  for (const count of [1, 2]) {
    await eventually(`Job ${count}`, async () => {
      await node.pass(60);
      const { items } = await client.list('Job', { namespace: 'default', labelSelector: 'app=tick' });
      for (const { metadata } of items) seen.add(metadata?.name ?? '');
      const status = (await client.get('CronJob', key))?.status;
      return seen.size >= count && status?.lastSuccessfulTime && !status.active;
    });
  }
  const left = await eventually('the history', async () => {
    const { items } = await client.list('Job', { namespace: 'default' });
    return items.length === 1 && items[0];
  });
  const cron = await client.get('CronJob', key);
  assert.equal(left.metadata?.ownerReferences?.[0]?.uid, cron?.metadata?.uid);
  const minutes = Number(left.metadata?.name?.slice('tick-'.length));
  assert.equal(minutes * 60_000, Date.parse(String(cron?.status?.lastScheduleTime)));
  assert.equal(minutes % 5, 0);
});
