import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointSlice, Node, Service } from '@podwire/kube';
import { planMode } from './mode-plan.ts';
import type { ProxyMode } from './proxy.ts';
import { modelFromApi } from './snapshot.ts';

const MODES: readonly ProxyMode[] = ['nftables', 'iptables', 'ipvs', 'userspace', 'ebpf'];
const node: Node = {
  metadata: { name: 'node-1', labels: { 'topology.kubernetes.io/zone': 'a' } },
  spec: { podCIDRs: ['10.244.1.0/24'] },
  status: { addresses: [{ type: 'InternalIP', address: '172.30.0.11' }] },
};
interface Given {
  readonly ip: string;
  readonly spec?: Partial<NonNullable<Service['spec']>>;
  readonly annotations?: Record<string, string>;
}
const service = (name: string, { ip, spec, annotations = {} }: Given): Service => ({
  metadata: { namespace: 'shop', name, annotations },
  spec: { clusterIP: ip, clusterIPs: [ip], ports: [{ name: 'http', port: 80, protocol: 'TCP' }], ...spec },
});
type Endpoint = EndpointSlice['endpoints'][number];
const slice = (name: string, endpoints: readonly Endpoint[]): EndpointSlice => ({
  metadata: { namespace: 'shop', name: `${name}-0`, labels: { 'kubernetes.io/service-name': name } },
  addressType: 'IPv4',
  ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
  endpoints: [...endpoints],
});
const at = (address: string, nodeName: string, more: Partial<Endpoint> = {}): Endpoint => ({
  addresses: [address],
  nodeName,
  conditions: { ready: true },
  ...more,
});
const two = [at('10.244.1.5', 'node-1'), at('10.244.2.7', 'node-2')];
const planned = (proxyMode: ProxyMode, services: readonly Service[], slices: readonly EndpointSlice[]) =>
  planMode(
    proxyMode,
    modelFromApi({
      ...{ services, slices, node, nodeName: 'node-1' },
      ...{ podCidrs: ['10.244.0.0/16'], serviceCidrs: ['10.96.0.0/12'] },
    }),
  );
const lines = async (...what: Parameters<typeof planned>): Promise<string[]> =>
  (await planned(...what)).entries.map(({ what: entry, why }) => `${entry}  # ${why}`);

const services = [
  service('web', { ip: '10.96.0.20' }),
  service('db', { ip: '10.96.0.21' }),
  service('edge', {
    ip: '10.96.0.22',
    spec: { type: 'NodePort', ports: [{ name: 'http', port: 80, nodePort: 30080, protocol: 'TCP' }] },
  }),
];
const slices = services.map(({ metadata }) => slice(metadata?.name ?? '', two));

for (const mode of MODES) {
  test(`${mode}: two runs are equal, whatever the order of objects`, async () => {
    const first = await planned(mode, services, slices);
    assert.deepEqual(await planned(mode, services.toReversed(), slices.toReversed()), first);
    assert.ok(first.entries.length >= 4);
    assert.ok(first.entries.every(({ why }) => /^Service shop\/\w+ port http$/.test(why)));
  });

  test(`${mode}: a Service that changes changes its own lines, which stand together`, async () => {
    const before = await lines(mode, services, slices);
    const grown = slices.with(0, slice('web', [...two, at('10.244.2.8', 'node-2')]));
    const after = await lines(mode, services, grown);
    const changed = before.flatMap((line, i) => (after[i] === line ? [] : [i]));
    assert.equal(after.length, before.length);
    assert.ok(changed.every((i) => before[i]?.includes('shop/web')));
    assert.deepEqual(
      changed,
      changed.map((_, i) => (changed[0] ?? 0) + i),
    );
    const without = await lines(mode, services.slice(1), slices.slice(1));
    assert.deepEqual(
      without,
      before.filter((line) => !line.includes('shop/web')),
    );
  });
}

test('an entry says on which terms it leads where, and who is left out', async () => {
  const zone = (name: string) => ({ hints: { forZones: [{ name }] } });
  const unready = { conditions: { ready: false, serving: true, terminating: true } };
  const text = async (given: Omit<Given, 'ip'>, endpoints: readonly Endpoint[]) =>
    (await lines('nftables', [service('s', { ...given, ip: '10.96.0.9' })], [slice('s', endpoints)]))[0] ?? '';
  assert.equal(
    await text({ spec: { sessionAffinity: 'ClientIP' } }, two),
    'cluster IP 10.96.0.9 tcp 80 -> 10.244.1.5:8080, 10.244.2.7:8080 (affinity 10800 s)  # Service shop/s port http',
  );
  assert.match(await text({ annotations: { 'podwire.io/balance': 'maglev' } }, two), / \(balance maglev\) /);
  assert.match(
    await text({ spec: { internalTrafficPolicy: 'Local' } }, two),
    /-> 10\.244\.1\.5:8080 \(policy Local\); left out: 10\.244\.2\.7:8080 is on another node /,
  );
  assert.match(
    await text({}, [at('10.244.1.5', 'node-1', zone('a')), at('10.244.2.7', 'node-2', zone('b'))]),
    /left out: 10\.244\.2\.7:8080 is meant for b /,
  );
  assert.match(
    await text({}, [...two, ...[1, 2, 3, 4, 5].map((i) => at(`10.244.3.${i}`, 'node-3', unready))]),
    /left out: 10\.244\.3\.1:8080 is terminating, .*10\.244\.3\.3:8080 is terminating, 2 more /,
  );
});

test('what a mode cannot do stands beside its plan', async () => {
  const services = [service('s', { ip: '10.96.0.9', annotations: { 'podwire.io/balance': 'least-connections' } })];
  const problems = async (mode: ProxyMode) => (await planned(mode, services, [slice('s', two)])).problems.join();
  assert.match(await problems('nftables'), /Service shop\/s: balance least-connections is not in mode nftables/);
  assert.match(await problems('iptables'), /Service shop\/s: balance least-connections is not in mode iptables/);
  assert.equal(await problems('userspace'), '');
});
