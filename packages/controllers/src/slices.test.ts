import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ObjectOf } from '@podwire/kube';
import fc from 'fast-check';
import { planEndpoints } from './endpoints-object.ts';
import { planSlices } from './slices.ts';
import type { Topology } from './topology.ts';

type Pod = ObjectOf<'Pod'>;
type Service = ObjectOf<'Service'>;
type EndpointSlice = ObjectOf<'EndpointSlice'>;

const topology: Topology = {
  zones: new Map([
    ['n', 'z1'],
    ['m', 'z2'],
  ]),
  shares: 'not asked for',
};
interface Given {
  readonly port?: number;
  readonly ips?: readonly string[];
  readonly ready?: boolean;
  readonly metadata?: Pod['metadata'];
  readonly spec?: Partial<NonNullable<Pod['spec']>>;
  readonly phase?: string;
}
const pod = (i: number, { port = 8080, ips, ready = true, metadata, spec, phase = 'Running' }: Given = {}): Pod => {
  const name = `p${String(i).padStart(4, '0')}`;
  return {
    metadata: { name, namespace: 'default', uid: `uid-${name}`, labels: { app: 'x' }, ...metadata },
    spec: { nodeName: 'n', containers: [{ name: 'c', ports: [{ name: 'http', containerPort: port }] }], ...spec },
    status: {
      phase,
      podIPs: (ips ?? [`10.0.${i >> 8}.${i & 255}`]).map((ip) => ({ ip })),
      conditions: [{ type: 'Ready', status: ready ? 'True' : 'False' }],
    },
  };
};
const service = (spec: Partial<NonNullable<Service['spec']>> = {}, metadata: Service['metadata'] = {}): Service => ({
  metadata: { name: 's', namespace: 'default', uid: 'u', ...metadata },
  spec: {
    selector: { app: 'x' },
    ports: [{ name: 'web', port: 80, targetPort: 'http' as unknown as string }],
    ...spec,
  },
});
const plan = (one: Service, pods: readonly Pod[], slices: readonly EndpointSlice[] = []): readonly EndpointSlice[] =>
  planSlices(one, { pods, topology, slices }).slices;
const addressesOf = (slices: readonly EndpointSlice[]): string[] =>
  slices.flatMap(({ endpoints }) => endpoints.map(({ addresses }) => addresses[0] ?? ''));
const many = (count: number, given?: Given): Pod[] => Array.from({ length: count }, (_, i) => pod(i, given));

test('a named target port is the number each pod has, one slice per number; a pod without it gives no port', () => {
  const slices = plan(service(), [pod(1), pod(2, { port: 9090 }), pod(3), pod(4, { spec: { containers: [] } })]);
  assert.deepEqual(
    slices.map((one) => [one.ports?.map(({ port }) => port), addressesOf([one])]),
    [
      [[8080], ['10.0.0.1', '10.0.0.3']],
      [[9090], ['10.0.0.2']],
      [[], ['10.0.0.4']],
    ],
  );
  const sidecar = { name: 'i', ports: [{ name: 'http', containerPort: 7000 }] };
  const numbers = (restartPolicy?: string) =>
    plan(service(), [
      pod(1, { spec: { containers: [], initContainers: [{ ...sidecar, ...(restartPolicy && { restartPolicy }) }] } }),
    ])[0]?.ports?.map(({ port }) => port);
  assert.deepEqual([numbers(), numbers('Always')], [[], [7000]], 'init containers that have ended listen to nothing');
});

test('ready, serving, terminating; publishNotReadyAddresses makes all ready; who has ended is none', () => {
  const terminating = { metadata: { ...pod(3).metadata, deletionTimestamp: '2026-01-01T00:00:00Z' as never } };
  const pods = [pod(1), pod(2, { ready: false }), pod(3, terminating), pod(4, { ...terminating, ready: false })];
  const dead = [pod(5, { phase: 'Failed' }), pod(6, { phase: 'Succeeded' }), pod(7, { ips: [] })];
  const conditions = (publishNotReadyAddresses: boolean) =>
    plan(service({ publishNotReadyAddresses }), [...pods, ...dead])
      .flatMap(({ endpoints }) => endpoints)
      .map(({ conditions: { ready, serving, terminating: going } = {} }) =>
        [ready && 'ready', serving && 'serving', going && 'terminating'].filter(Boolean).join(' '),
      );
  assert.deepEqual(conditions(false), ['ready serving', '', 'serving terminating', 'terminating']);
  assert.deepEqual(conditions(true), ['ready serving', 'ready', 'ready serving terminating', 'ready terminating']);
});

test('node, zone, hostname under the subdomain of the Service, and a node there is not', () => {
  const spec = { hostname: 'p-0', subdomain: 'db' };
  const of = (name: string, given: Given, publishNotReadyAddresses = false) =>
    plan(service({ publishNotReadyAddresses }, { name }), [pod(1, given)])[0]?.endpoints[0];
  assert.deepEqual([of('db', { spec })?.hostname, of('other', { spec })?.hostname], ['p-0', undefined]);
  assert.deepEqual([of('s', {})?.nodeName, of('s', {})?.zone], ['n', 'z1']);
  assert.equal(of('s', { spec: { nodeName: 'gone' } }), undefined);
  assert.deepEqual(of('s', { spec: { nodeName: 'gone' } }, true)?.addresses, ['10.0.0.1']);
});

test('a slice set for each family of the Service, each with the addresses of that family', () => {
  const pods = [pod(1, { ips: ['10.0.0.1', 'fd00::1'] }), pod(2), pod(3, { ips: ['fd00::3'] })];
  const families = (ipFamilies: string[]) =>
    plan(service({ ipFamilies }), pods).map((one) => [one.addressType, addressesOf([one])]);
  assert.deepEqual(families(['IPv6', 'IPv4']), [
    ['IPv6', ['fd00::1', 'fd00::3']],
    ['IPv4', ['10.0.0.1', '10.0.0.2']],
  ]);
  assert.deepEqual(families(['IPv4']), [['IPv4', ['10.0.0.1', '10.0.0.2']]]);
  assert.deepEqual(
    plan(service({ clusterIP: 'fd00:1::9' }), pods).map(({ addressType }) => addressType),
    ['IPv6'],
    'an API server that does not know families',
  );
  const dual = plan(service({ ipFamilies: ['IPv4', 'IPv6'] }), pods);
  assert.equal(new Set(dual.map(({ metadata }) => metadata?.name)).size, 2);
  const single = plan(service({ ipFamilies: ['IPv4'] }), pods, dual);
  assert.deepEqual(single, dual.slice(0, 1), 'the other family goes, this one stays as it was');
});

test('labels of the Service; the headless one by what the Service is, not by its own label', () => {
  const labels = (spec: Partial<NonNullable<Service['spec']>>, own: Record<string, string>) =>
    plan(service(spec, { labels: own }), [])[0]?.metadata?.labels;
  const headless = 'service.kubernetes.io/headless';
  assert.deepEqual(labels({ clusterIP: 'None' }, { tier: 'a' }), {
    tier: 'a',
    'kubernetes.io/service-name': 's',
    'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
    [headless]: '',
  });
  assert.equal(headless in (labels({ clusterIP: '10.96.0.1' }, { [headless]: 'x' }) ?? {}), false);
});

test('no endpoints: one empty slice; no selector or ExternalName: none', () => {
  assert.deepEqual(
    plan(service(), []).map(({ endpoints, ports }) => [endpoints, ports]),
    [[[], []]],
  );
  const before = plan(service(), many(150));
  assert.deepEqual(
    plan(service(), [], before).map(({ metadata, endpoints }) => [metadata?.name, endpoints]),
    [['s-0', []]],
    'the first of those that were there',
  );
  assert.deepEqual(plan(service({ selector: {} }), many(1)), []);
  assert.deepEqual(plan(service({ type: 'ExternalName' }), many(1)), []);
});

test('1,050 endpoints: slices of 100, and Endpoints that say they are cut short', () => {
  const slices = plan(service(), many(1050));
  assert.deepEqual(
    slices.map(({ endpoints }) => endpoints.length),
    [...Array(10).fill(100), 50],
  );
  assert.equal(new Set(addressesOf(slices)).size, 1050);
  const endpoints = planEndpoints(service(), slices);
  assert.equal(endpoints.subsets?.flatMap(({ addresses = [] }) => addresses).length, 1000);
  assert.deepEqual(endpoints.metadata?.annotations, { 'endpoints.kubernetes.io/over-capacity': 'truncated' });
  assert.equal(planEndpoints(service(), plan(service(), many(1000))).metadata?.annotations, undefined);
});

test('Endpoints: one subset for each set of ports, the first family, nobody who terminates', () => {
  const going = pod(3, { metadata: { ...pod(3).metadata, deletionTimestamp: '2026-01-01T00:00:00Z' as never } });
  const pods = [...many(2), pod(2, { ready: false }), going, pod(4, { port: 9090 })];
  const one = service({ ipFamilies: ['IPv4', 'IPv6'] });
  const { subsets = [] } = planEndpoints(one, plan(one, pods));
  const shown = subsets.map(({ addresses = [], notReadyAddresses = [], ports }) => [
    ports?.map(({ port }) => port),
    addresses.map(({ ip }) => ip),
    notReadyAddresses.map(({ ip }) => ip),
  ]);
  assert.deepEqual(shown, [
    [[8080], ['10.0.0.0', '10.0.0.1'], ['10.0.0.2']],
    [[9090], ['10.0.0.4'], []],
  ]);
  const big = plan(service(), many(250));
  assert.equal(planEndpoints(service(), big).subsets?.length, 1, 'slices of the same ports are one subset');
});

test('an endpoint more or less changes one slice; the others stay as they are', () => {
  const before = plan(service(), many(250));
  const without = plan(service(), many(250).toSpliced(120, 1), before);
  assert.deepEqual([without[0], without[2]], [before[0], before[2]]);
  assert.equal(without[1]?.endpoints.length, 99);
  const more = plan(service(), [...many(250).toSpliced(120, 1), pod(300)], without);
  assert.deepEqual([more[0], more[2]], [before[0], before[2]], 'the fullest slice with room takes it');
  const exchanged = plan(service(), [...many(250).toSpliced(210, 1), pod(300)], before);
  assert.deepEqual([exchanged[0], exchanged[1]], [before[0], before[1]], 'where one goes another comes');
});

test('a new number of all pods rewrites the slices that are there, so that none is missing in between', () => {
  const before = plan(service(), many(150));
  const after = plan(service(), many(150, { port: 9000 }), before);
  assert.deepEqual(
    after.map(({ metadata, ports }) => [metadata?.name, ports?.[0]?.port]),
    [
      ['s-0', 9000],
      ['s-1', 9000],
    ],
  );
});

test('slices of others keep their names and content, also those of a Service that was here before', () => {
  const foreign: EndpointSlice = {
    metadata: { name: 's-0', namespace: 'default', labels: { 'kubernetes.io/service-name': 's' } },
    addressType: 'IPv4',
    endpoints: [],
  };
  assert.deepEqual(
    plan(service(), many(1), [foreign]).map(({ metadata }) => metadata?.name),
    ['s-1'],
  );
  const taken = planSlices(service(), { pods: many(101), topology, isTaken: (name) => name === 's-1' }).slices;
  assert.deepEqual(
    taken.map(({ metadata }) => metadata?.name),
    ['s-0', 's-2'],
    'of another Service',
  );
  const old = plan(service({}, { uid: 'an older one' }), many(1));
  assert.deepEqual(
    plan(service(), many(1), old).map(({ metadata }) => metadata?.name),
    ['s-1'],
  );
});

test('any history of pods: every endpoint once, no slice too large, and the same again when nothing changes', () => {
  const history = fc.array(fc.uniqueArray(fc.integer({ min: 0, max: 400 }), { maxLength: 300 }), { maxLength: 4 });
  fc.assert(
    fc.property(history, (states) => {
      let slices: readonly EndpointSlice[] = [];
      for (const state of states) {
        const pods = state.map((i) => pod(i, { port: i % 7 === 0 ? 9090 : 8080 }));
        slices = plan(service(), pods, slices);
        assert.deepEqual(addressesOf(slices).sort(), addressesOf(plan(service(), pods)).sort());
        assert.ok(slices.every(({ endpoints }) => endpoints.length <= 100));
        assert.equal(new Set(slices.map(({ metadata }) => metadata?.name)).size, slices.length);
        assert.deepEqual(plan(service(), pods.toReversed(), slices), slices);
      }
    }),
    { numRuns: 25 },
  );
});
