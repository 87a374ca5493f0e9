import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import type { ServiceSpec } from 'kubernetes-types/core/v1.js';
import { refusal, ServiceServer } from '../testing/services.ts';

const it = await ServiceServer.start();
after(() => it.close());

const nodePorts = ({ ports = [] }: ServiceSpec) => ports.map(({ nodePort }) => nodePort);

describe('SVC-29 type changes and addresses', () => {
  test('each type has what it needs, whatever it was before', async () => {
    const types = ['ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName'] as const;
    for (const from of types) {
      for (const to of types) {
        const name = { externalName: 'example.org' };
        await it.create('turn', from === 'ExternalName' ? { type: from, ...name } : { type: from });
        const before = await it.get('turn');
        const ports = before.ports ? {} : { ports: [{ port: 80 }] };
        const after = await it.patch('turn', { type: to, ...(to === 'ExternalName' ? name : ports) });
        const at = `${from} to ${to}`;
        const hasIp = to !== 'ExternalName';
        const hasPort = to === 'NodePort' || to === 'LoadBalancer';
        assert.equal(Boolean(after.clusterIP), hasIp, at);
        if (hasIp && before.clusterIP) assert.equal(after.clusterIP, before.clusterIP, at);
        assert.equal(nodePorts(after).some(Boolean), hasPort, at);
        if (hasPort && nodePorts(before)[0]) assert.deepEqual(nodePorts(after), nodePorts(before), at);
        assert.deepEqual(await it.taken(), hasIp ? [`${after.clusterIP} default/turn`] : [], at);
        const [released] = nodePorts(before);
        if (released && !hasPort) {
          await it.create('heir', { type: 'NodePort', ports: [{ port: 1, nodePort: released }] });
          await it.delete('heir');
        }
        await it.delete('turn');
      }
    }
    assert.deepEqual(await it.taken(), []);
  });

  test('an address is decimal or nothing', async () => {
    assert.deepEqual(await refusal(it.create('zero', { clusterIP: '010.96.0.1' })), [
      'FieldValueInvalid spec.clusterIPs[0]: Invalid value: "010.96.0.1": must not have leading 0s',
    ]);
    assert.deepEqual(await refusal(it.create('zero', { clusterIP: '10.96.0' })), [
      'FieldValueInvalid spec.clusterIPs[0]: Invalid value: "10.96.0": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
    ]);
    const ranges = ['010.0.0.0/8', '10.0.0.0/08', '10.0.0.0'];
    assert.deepEqual(
      (await refusal(it.create('zero', { type: 'LoadBalancer', loadBalancerSourceRanges: ranges }))).map((text) =>
        text.replace(/^.*": /, ''),
      ),
      [
        'must not have leading 0s in IP or prefix length',
        'must not have leading 0s in IP or prefix length',
        'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
      ],
    );
  });

  test('an address is given once, within the range, and to whom asks for it', async () => {
    const spelled = await it.create('asked', { clusterIP: 'FD00:96:0::0007' });
    assert.deepEqual([spelled.clusterIP, await it.taken()], ['FD00:96:0::0007', ['fd00:96::7 default/asked']]);
    assert.deepEqual(await refusal(it.create('late', { clusterIP: 'fd00:96::7' })), [
      'FieldValueInvalid spec.clusterIPs: Invalid value: ["fd00:96::7"]: failed to allocate IP fd00:96::7: provided IP is already allocated',
    ]);
    for (const clusterIP of ['192.168.0.1', '10.96.0.0', '10.96.255.255']) {
      assert.deepEqual(await refusal(it.create('out', { clusterIP })), [
        `FieldValueInvalid spec.clusterIPs: Invalid value: ["${clusterIP}"]: failed to allocate IP ${clusterIP}: the provided IP (${clusterIP}) is not in the valid range. The range of valid IPs is 10.96.0.0/16`,
      ]);
    }
    assert.equal((await it.replace('asked', { clusterIP: 'FD00:96:0::0007' })).clusterIP, 'FD00:96:0::0007');
    assert.deepEqual(await refusal(it.patch('asked', { clusterIP: 'fd00:96::8' })), [
      'FieldValueInvalid spec.clusterIPs[0]: Invalid value: ["fd00:96::8"]: may not change once set',
    ]);
    await it.delete('asked');
  });
});

test('what a Service has it has until it is gone, not until it is deleted', async () => {
  const key = { namespace: 'default', name: 'slow' };
  const made = await it.client.create('Service', {
    metadata: { ...key, finalizers: ['a.b/c'] },
    spec: { type: 'NodePort', ports: [{ port: 80 }] },
  });
  const { clusterIP = '', ports = [] } = made.spec ?? {};
  await it.client.delete('Service', key);
  assert.match((await refusal(it.create('heir', { clusterIP })))[0] ?? '', /already allocated/);
  await it.client.patch('Service', key, { metadata: { finalizers: null } });
  await it.create('heir', { type: 'NodePort', clusterIP, ports: [{ port: 1, nodePort: ports[0]?.nodePort ?? 0 }] });
  await it.delete('heir');
});
