import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parsePrefix } from '@podwire/base';
import type { KubeClient, Pod } from '@podwire/kube';
import { startApiServer } from '../server.ts';

async function withClient(use: (client: KubeClient) => Promise<void>): Promise<void> {
  const server = await startApiServer({ serviceCidrs: [parsePrefix('10.96.0.0/12')], nodePortRange: [30000, 32767] });
  try {
    await use(server.client());
  } finally {
    await server.close();
  }
}

const pod = (name: string, spec: object): Pod => ({
  metadata: { name, namespace: 'default' },
  spec: { containers: [{ name: 'c', image: 'i:1' }], ...spec },
});
const priorityOf = ({ spec }: Pod) => [spec?.priorityClassName, spec?.priority, spec?.preemptionPolicy];

test('a pod has the priority of its class', () =>
  withClient(async (client) => {
    await client.create('PriorityClass', { metadata: { name: 'high' }, value: 100, preemptionPolicy: 'Never' });
    const made = async (name: string, spec: object) => priorityOf(await client.create('Pod', pod(name, spec)));
    assert.deepEqual(await made('a', {}), [undefined, 0, 'PreemptLowerPriority']);
    assert.deepEqual(await made('b', { priorityClassName: 'high' }), ['high', 100, 'Never']);
    const critical = { priorityClassName: 'system-node-critical', priority: 2_000_001_000 };
    assert.deepEqual(await made('c', critical), ['system-node-critical', 2_000_001_000, 'PreemptLowerPriority']);
    await assert.rejects(made('d', { priorityClassName: 'none' }), {
      code: 'KUBE_FORBIDDEN',
      message: 'pods "d" is forbidden: no PriorityClass with name none was found',
    });
    await assert.rejects(made('d', { priority: 7 }), /\(7\) must not be provided in pod spec; .* computed 0 from/);
    const preempting = { priorityClassName: 'high', preemptionPolicy: 'PreemptLowerPriority' };
    await assert.rejects(made('d', preempting), /PreemptionPolicy \(PreemptLowerPriority\) must not be provided/);
  }));

test('one class may be the default', () =>
  withClient(async (client) => {
    await client.create('PriorityClass', { metadata: { name: 'usual' }, value: 5, globalDefault: true });
    const { spec } = await client.create('Pod', pod('a', {}));
    assert.deepEqual([spec?.priorityClassName, spec?.priority], ['usual', 5]);
    const second = { metadata: { name: 'second' }, value: 6 };
    await assert.rejects(client.create('PriorityClass', { ...second, globalDefault: true }), {
      code: 'KUBE_FORBIDDEN',
      message: /PriorityClass usual is already marked as default\. Only one default can exist$/,
    });
    await client.create('PriorityClass', second);
    await assert.rejects(client.patch('PriorityClass', { name: 'second' }, { globalDefault: true }), /already marked/);
    await client.patch('PriorityClass', { name: 'usual' }, { globalDefault: false });
    await client.patch('PriorityClass', { name: 'second' }, { globalDefault: true });
  }));
