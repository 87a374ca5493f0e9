import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { type EndpointSlice, type Node, parseManifests, type Service } from '@podwire/kube';
import { formatTable } from '@podwire/nft';
import type { ServiceModel, ServicesModel, ServicesView } from '../model.ts';
import { plan as nftablesPlan } from '../nftables/plan.ts';
import { modelFromApi } from '../snapshot.ts';
import { limitsOf, plan, settle, tableOf } from './plan.ts';
import { planService } from './service-plan.ts';

const CASES = new URL('../nftables/testdata/', import.meta.url);
const NAMES = readdirSync(CASES).filter((entry) => !entry.endsWith('.nft'));

function caseModel(name: string): ServicesModel {
  const text = readFileSync(new URL(`${name}/input.yaml`, CASES), 'utf8');
  const objects = parseManifests(text, name).map(({ object }) => object as { kind: string });
  const kind = <T>(wanted: string): T[] => objects.filter((object) => object.kind === wanted) as T[];
  return modelFromApi({
    services: kind<Service>('Service'),
    slices: kind<EndpointSlice>('EndpointSlice'),
    node: kind<Node>('Node')[0],
    nodeName: 'node-1',
    podCidrs: ['10.244.0.0/16', 'fd00:244::/32'],
    serviceCidrs: ['10.96.0.0/12', 'fd00:96::/112'],
  });
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

/** Weights are told by mode nftables only, and SCTP is refused here. */
const comparable = (entries: readonly { readonly what: string; readonly why: string }[]): string[] =>
  entries
    .filter(({ what }) => !what.includes(' sctp '))
    .map(({ what, why }) => `${what.replaceAll(/ \(weight \d+\)/g, '')}: ${why}`)
    .sort();

for (const name of NAMES) {
  test(`plan of ${name}: the outcomes are those of mode nftables, in whatever order services come`, () => {
    const model = caseModel(name);
    const desired = plan(viewOf(model));
    assert.deepEqual(comparable(desired.entries), comparable(nftablesPlan(model).entries));
    assert.deepEqual(plan(viewOf(model, (all) => all.reverse())), desired);
    for (const { endpoints, address, id } of desired.listeners) {
      assert.ok(endpoints.length > 0, id);
      assert.ok(model.node.addresses.includes(address), id);
    }
  });
}

test('addresses with the same endpoints share a listener; those with others have their own', () => {
  const listenersOf = (spec: object): string[] =>
    plan(viewOf(sample(spec))).listeners.map(({ id, endpoints }) => `${id}: ${endpoints.map((one) => one.address)}`);
  const [here, there] = ['10.244.1.5', '10.244.2.7'];
  assert.deepEqual(listenersOf({}), [`default/web tcp 80 internal 172.30.0.11: ${here},${there}`]);
  assert.deepEqual(listenersOf({ externalTrafficPolicy: 'Local' }), [
    `default/web tcp 80 internal 172.30.0.11: ${here},${there}`,
    `default/web tcp 80 external 172.30.0.11: ${here}`,
  ]);
  assert.deepEqual(listenersOf({ externalTrafficPolicy: 'Local', internalTrafficPolicy: 'Local' }), [
    `default/web tcp 80 internal 172.30.0.11: ${here}`,
    `default/web tcp 80 inside 172.30.0.11: ${here},${there}`,
  ]);
});

test('the elements of a service', () => {
  const model = sample({
    externalTrafficPolicy: 'Local',
    externalIPs: ['198.51.100.1'],
    ports: [{ port: 80, nodePort: 30_080 }],
  });
  const [service] = model.services;
  assert.ok(service);
  const planned = planService(service, { ...model, family: 'ipv4' });
  const ports = new Map(planned.listeners.map(({ id }, i) => [id, 40_001 + i]));
  const portOf = (id: string) => ports.get(id);
  const settlement = settle(viewOf(model), 'ipv4', [planned.elements(portOf)]);
  const listeners = new Map(planned.listeners.map((one) => [one.id, one]));
  const table = tableOf(settlement, 'ipv4', { listeners, portOf });
  const text = formatTable({
    ...table,
    chains: [],
    sets: table.sets.filter(({ data, name }) => data ?? name === 'listeners'),
  });
  const elements = [...text.matchAll(/(?:set|map) (\S+)|(\d\S+ \. tcp \. \d+(?: : \S+ \. \d+)?)/g)];
  assert.deepEqual(
    elements.map(([, set, element]) => set ?? element),
    [
      'svc',
      '10.96.0.20 . tcp . 80 : 172.30.0.11 . 40001',
      '172.30.0.11 . tcp . 30080 : 172.30.0.11 . 40002',
      '198.51.100.1 . tcp . 80 : 172.30.0.11 . 40002',
      'inside',
      '172.30.0.11 . tcp . 30080 : 172.30.0.11 . 40001',
      '198.51.100.1 . tcp . 80 : 172.30.0.11 . 40001',
      'listeners',
      '172.30.0.11 . tcp . 40001',
      '172.30.0.11 . tcp . 40002',
    ],
  );
});

test('what cannot be had is said: SCTP, a family without address of the node', () => {
  const sctp = sample({ ports: [{ port: 80, protocol: 'SCTP' }] }, 'SCTP');
  const { entries } = plan(viewOf(sctp));
  assert.deepEqual(
    entries.map(({ what }) => what),
    ['cluster IP 10.96.0.20 sctp 80 is refused: not relayed'],
  );
  assert.match(limitsOf(viewOf(sctp)).join(), /^Service default\/web port 80: mode userspace cannot relay SCTP/);
  const model = sample({});
  const lost = plan(viewOf({ ...model, node: { ...model.node, addresses: [] } }));
  assert.deepEqual(lost.listeners, []);
  assert.match(lost.problems.join(), /node node-1 has no IPv4 InternalIP, so nothing is relayed/);
});

function sample(spec: object, protocol = 'TCP'): ServicesModel {
  return modelFromApi({
    services: [
      {
        metadata: { namespace: 'default', name: 'web' },
        spec: { type: 'NodePort', clusterIP: '10.96.0.20', ports: [{ port: 80, nodePort: 30_080 }], ...spec },
      },
    ],
    slices: [
      {
        metadata: { namespace: 'default', name: 'web', labels: { 'kubernetes.io/service-name': 'web' } },
        addressType: 'IPv4',
        ports: [{ protocol, port: 8080 }],
        endpoints: [
          { addresses: ['10.244.1.5'], nodeName: 'node-1' },
          { addresses: ['10.244.2.7'], nodeName: 'node-2' },
        ],
      },
    ] as unknown as EndpointSlice[],
    node: {
      metadata: { name: 'node-1' },
      status: { addresses: [{ type: 'InternalIP', address: '172.30.0.11' }] },
    },
    nodeName: 'node-1',
    podCidrs: ['10.244.0.0/16'],
    serviceCidrs: ['10.96.0.0/12'],
  });
}
