import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { type EndpointSlice, type Node, parseManifests, type Service } from '@podwire/kube';
import { formatTable, type Table } from '@podwire/nft';
import fc from 'fast-check';
import { endpointName, type ServiceModel, type ServicesModel, type ServicesView } from '../model.ts';
import { plan as nftablesPlan } from '../nftables/plan.ts';
import { IPVS_MARK, IPVS_MARK_MASK } from '../ruleset/ipvs-mark.ts';
import { modelFromApi } from '../snapshot.ts';
import { entryId, INWARD } from './layout.ts';
import { MarkNumbers } from './mark-numbers.ts';
import { plan } from './plan.ts';
import type { VirtualServer } from './virtual-server.ts';

const CASES = new URL('../nftables/testdata/', import.meta.url);
const NAMES = readdirSync(CASES).filter((entry) => !entry.endsWith('.nft'));
const CLUSTER = {
  nodeName: 'node-1',
  podCidrs: ['10.244.0.0/16', 'fd00:244::/32'],
  serviceCidrs: ['10.96.0.0/12', 'fd00:96::/112'],
};

function caseModel(name: string): ServicesModel {
  const text = readFileSync(new URL(`${name}/input.yaml`, CASES), 'utf8');
  const objects = parseManifests(text, name).map(({ object }) => object as { kind: string });
  const kind = <T>(wanted: string): T[] => objects.filter((object) => object.kind === wanted) as T[];
  const [services, slices, [node]] = [
    kind<Service>('Service'),
    kind<EndpointSlice>('EndpointSlice'),
    kind<Node>('Node'),
  ];
  return modelFromApi({ ...CLUSTER, services, slices, node });
}

const viewOf = (
  model: ServicesModel,
  order: (services: ServiceModel[]) => ServiceModel[] = (all) => all,
): ServicesView => ({
  cluster: model.cluster,
  node: model.node,
  services: new Map(order([...model.services]).map((one) => [`${one.namespace}/${one.name}`, one])),
  foreign: new Map([['foreign/one', model.foreignAddresses]]),
});

const comparable = (entries: readonly { readonly what: string; readonly why: string }[]): string[] =>
  entries
    .map(({ what, why }) => `${what.replace(/; scheduler \w+$/, '').replace(/ \(balance [\w-]+\)/, '')}: ${why}`)
    .sort();

const keysOf = ({ sets }: Table, name: string): string[] =>
  (sets.find((set) => set.name === name)?.elements ?? []).map(({ key }) => key.join(' '));

for (const name of NAMES) {
  test(`plan of ${name}: the outcomes are those of mode nftables, in whatever order services come`, () => {
    const model = caseModel(name);
    const desired = plan(viewOf(model));
    assert.deepEqual(comparable(desired.entries), comparable(nftablesPlan(model).entries));
    assert.deepEqual(plan(viewOf(model, (all) => all.reverse())), desired);
  });

  test(`plan of ${name}: the table leads to every virtual server and to nothing else`, () => {
    const { servers, tables } = plan(viewOf(caseModel(name)));
    const byAddress = servers.filter(({ key }) => !('fwmark' in key)).map(({ entry }) => entryId(entry));
    const byMark = servers.filter(({ key }) => 'fwmark' in key).map(({ entry }) => entryId(entry));
    const keys = (set: string) => tables.flatMap((table) => keysOf(table, set)).sort();
    assert.deepEqual(keys('svc'), byAddress.sort());
    assert.deepEqual(keys('inside'), byMark.sort());
    assert.deepEqual(keys(INWARD), keys('inside'));
    assert.equal(new Set(servers.map(({ id }) => id)).size, servers.length);
    for (const { id, destinations } of servers) {
      assert.ok(destinations.length > 0, id);
      assert.equal(new Set(destinations.map(endpointName)).size, destinations.length, id);
      for (const { weight } of destinations) assert.ok(weight >= 1, id);
    }
  });
}

const SLICE: EndpointSlice = {
  metadata: { namespace: 'default', name: 'web-1', labels: { 'kubernetes.io/service-name': 'web' } },
  addressType: 'IPv4',
  ports: [{ name: '', protocol: 'TCP', port: 8080 }],
  endpoints: [
    { addresses: ['10.244.1.5'], nodeName: 'node-1' },
    { addresses: ['10.244.2.7'], nodeName: 'node-2' },
  ],
};
const NODE: Node = {
  metadata: { name: 'node-1' },
  spec: { podCIDRs: ['10.244.1.0/24'] },
  status: { addresses: [{ type: 'InternalIP', address: '172.30.0.11' }] },
};

function planOf(
  spec: NonNullable<Service['spec']>,
  annotations: Record<string, string> = {},
  more: Partial<Parameters<typeof modelFromApi>[0]> = {},
) {
  const service: Service = {
    metadata: { namespace: 'default', name: 'web', annotations },
    spec: { clusterIP: '10.96.0.20', ports: [{ port: 80 }], ...spec },
  };
  return plan(viewOf(modelFromApi({ ...CLUSTER, services: [service], slices: [SLICE], node: NODE, ...more })));
}

const only = (servers: readonly VirtualServer[]): VirtualServer => {
  const [server] = servers;
  assert.ok(server && servers.length === 1, servers.map(({ id }) => id).join(', '));
  return server;
};

test('an external address of policy Local has two virtual servers, one for clients inside', () => {
  const spec = { type: 'NodePort', externalTrafficPolicy: 'Local', ports: [{ port: 80, nodePort: 30_080 }] };
  const { servers, tables } = planOf(spec);
  const brief = servers.map(({ id, destinations }) => [id, destinations.map(endpointName).sort().join(' ')]);
  assert.deepEqual(brief, [
    ['10.96.0.20 tcp 80', '10.244.1.5:8080 10.244.2.7:8080'],
    ['172.30.0.11 tcp 30080', '10.244.1.5:8080'],
    ['mark 0xb5d20001 ipv4', '10.244.1.5:8080 10.244.2.7:8080'],
  ]);
  const inside = tables[0]?.sets.find(({ name }) => name === 'inside')?.elements;
  assert.deepEqual(inside, [{ key: ['172.30.0.11', 'tcp', 30_080], data: [0xb5d20001] }]);
});

test('affinity is persistence of the virtual server', () => {
  const affinity = { sessionAffinity: 'ClientIP', sessionAffinityConfig: { clientIP: { timeoutSeconds: 60 } } };
  assert.equal(only(planOf(affinity).servers).options.persistence, 60);
  assert.equal('persistence' in only(planOf({}).servers).options, false);
});

test('the scheduler: by name, else by the balance, else the cluster has one; weights are looked at', () => {
  const weights = { 'podwire.io/weights': '10.244.1.5=3' };
  const schedulerOf = (annotations: Record<string, string>, ipvsScheduler?: 'lc' | 'sed'): string =>
    only(planOf({}, annotations, ipvsScheduler && { ipvsScheduler }).servers).options.scheduler;
  for (const [balance, plain, weighed] of [
    ['random', 'rr', 'wrr'],
    ['round-robin', 'rr', 'wrr'],
    ['least-connections', 'lc', 'wlc'],
    ['source-hash', 'sh', 'sh'],
    ['maglev', 'mh', 'mh'],
  ] as const) {
    assert.equal(schedulerOf({ 'podwire.io/balance': balance }), plain, balance);
    assert.equal(schedulerOf({ 'podwire.io/balance': balance, ...weights }), weighed, balance);
  }
  assert.equal(schedulerOf({ 'podwire.io/slow-start': '30s' }), 'wrr');
  assert.deepEqual([schedulerOf({}, 'lc'), schedulerOf(weights, 'lc'), schedulerOf({}, 'sed')], ['lc', 'wlc', 'sed']);
  for (const scheduler of ['rr', 'wrr', 'lc', 'wlc', 'lblc', 'lblcr', 'sh', 'dh', 'sed', 'nq', 'mh'])
    assert.equal(
      schedulerOf({ 'podwire.io/ipvs-scheduler': scheduler, 'podwire.io/balance': 'maglev' }, 'lc'),
      scheduler,
    );
  const { destinations } = only(planOf({}, weights).servers);
  assert.deepEqual(new Map(destinations.map((one) => [one.address as string, one.weight])).get('10.244.1.5'), 3);
});

test('what cannot be had is said: a scheduler nobody knows, weights nobody looks at', () => {
  const { servers, problems } = planOf({}, { 'podwire.io/ipvs-scheduler': 'fastest; drop' });
  assert.equal(only(servers).options.scheduler, 'rr');
  assert.deepEqual(problems, [
    'Service default/web: IPVS has no scheduler "fastest; drop", so it is rr; choose one of rr, wrr, lc, wlc, lblc, lblcr, sh, dh, sed, nq, mh',
  ]);
  const unweighed = { 'podwire.io/ipvs-scheduler': 'lc', 'podwire.io/weights': '10.244.1.5=3' };
  assert.deepEqual(planOf({}, unweighed).problems, [
    'Service default/web: scheduler lc does not look at weights; choose wlc',
  ]);
});

test('turns begin at another endpoint on each node and for each address', () => {
  const first = (nodeName: string, clusterIP: string): string =>
    endpointName(
      only(planOf({ clusterIP }, {}, { nodeName }).servers).destinations[0] ?? { address: '' as never, port: 0 },
    );
  const addresses = Array.from({ length: 20 }, (_, i) => `10.96.1.${i + 1}`);
  assert.equal(new Set(addresses.map((address) => first('node-1', address))).size, 2);
  assert.equal(new Set(addresses.map((_, i) => first(`node-${i}`, '10.96.0.20'))).size, 2);
});

test('marks: never two entries with the same, none outside the range, and an entry keeps its own', () => {
  const step = fc.record({ id: fc.integer({ min: 0, max: 30 }).map(String), keep: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step), fc.array(fc.integer({ min: 1, max: 8 })), (steps, reserved) => {
      const marks = new MarkNumbers();
      for (const n of reserved) marks.reserve(IPVS_MARK + n);
      const held = new Map<string, number>();
      for (const { id, keep } of steps) {
        if (!keep) {
          held.delete(id);
          marks.keep(new Set([...reserved.map((n) => IPVS_MARK + n), ...held.values()]), (one) => held.has(one));
          continue;
        }
        const mark = marks.of(id);
        assert.ok(mark !== undefined && mark > IPVS_MARK && (mark & IPVS_MARK_MASK) >>> 0 === IPVS_MARK);
        assert.equal(held.get(id) ?? mark, mark);
        held.set(id, mark);
        assert.equal(new Set(held.values()).size, held.size);
        assert.ok(!reserved.includes(mark - IPVS_MARK));
      }
    }),
  );
  const full = new MarkNumbers();
  for (let i = 0; i < 0xffff; i++) assert.ok(full.of(`${i}`));
  assert.equal(full.of('one more'), undefined);
});

test('golden rules that never change', () => {
  const node = { name: 'n', addresses: ['172.30.0.11' as never], nodePortAddresses: [], podCidrs: [] };
  const cluster = { podCidrs: [], serviceCidrs: [] };
  const [table] = plan({ cluster, node, services: new Map(), foreign: new Map() }).tables;
  assert.ok(table);
  const file = new URL('testdata/rules.nft', import.meta.url);
  if (process.env.UPDATE_GOLDEN) writeFileSync(file, formatTable(table));
  assert.equal(formatTable(table), readFileSync(file, 'utf8'));
});
