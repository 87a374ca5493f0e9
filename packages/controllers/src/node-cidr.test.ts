import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startApiServer } from '@podwire/apiserver';
import { silentLogger } from '@podwire/base';
import { createInformers, parseClusterConfig } from '@podwire/kube';
import { startNodeCidrs } from './node-cidr.ts';
import { eventually } from './testing/control-plane.ts';

test('a node that got no range says so once, and gets that of the next that goes', async (t) => {
  const server = await startApiServer();
  t.after(() => server.close());
  const client = server.client();
  const informers = createInformers(client);
  t.after(() => informers.stop());
  const config = parseClusterConfig({ podCidrs: ['10.244.0.0/23'] });
  const controller = startNodeCidrs({ client, informers, config, logger: silentLogger });
  t.after(() => controller.stop());
  const range = async (name: string) => (await client.get('Node', { name }))?.spec?.podCIDR;
  for (const name of ['a', 'b']) {
    await client.create('Node', { metadata: { name } });
    await eventually(`a range of ${name}`, () => range(name));
  }
  await client.create('Node', { metadata: { name: 'c' } });
  const told = async () =>
    (await client.list('Event')).items.filter(({ reason }) => reason === 'CIDRNotAvailable').length;
  await eventually('an Event', told);
  for (const seen of ['1', '2']) await client.patch('Node', { name: 'c' }, { metadata: { labels: { seen } } });
  assert.equal(await range('c'), undefined);
  await client.delete('Node', { name: 'a' });
  await eventually('the range of the first', async () => (await range('c')) === '10.244.0.0/24');
  assert.deepEqual([await told(), await range('b')], [1, '10.244.1.0/24']);
});
