import assert from 'node:assert/strict';
import fs from 'node:fs';
import { test } from 'node:test';
import type { IpAddress } from '@podwire/base';
import { diffTables, formatTable, interpret, type Table, type VirtualPacket } from '@podwire/nft';
import fc from 'fast-check';
import { CASES, fileOf, readCase } from './fixture.ts';
import { type Connection, judge } from './judge.ts';
import { buildModel, type PolicyModel, type PolicySnapshot } from './model.ts';
import { plan } from './plan.ts';

/** The new connection's first packet, sent through the tables of the nodes of both ends. */
function passes(
  tables: ReadonlyMap<string, Table>,
  { source, destination, protocol, port }: Connection & { protocol?: string },
): boolean {
  const packet: VirtualPacket = {
    saddr: source,
    daddr: destination,
    protocol: protocol ?? 'icmp',
    ...(port !== undefined && { sport: 40_000, dport: port }),
  };
  const toNode = destination.startsWith('169.254.') || destination === '10.96.0.10';
  return [...tables.values()].every(
    (table) => interpret([table], packet, { hook: toNode ? 'input' : 'forward' }).verdict === 'accept',
  );
}

const NODES = ['node-1', 'node-2'];
const tablesOf = (model: (node: string) => PolicyModel) =>
  new Map(NODES.map((node) => [node, plan(model(node)).table]));

for (const name of CASES) {
  const { model, packets } = readCase(name);

  test(`golden ruleset of node-1: ${name}`, () => {
    const { table, entries } = plan(model('node-1'));
    const text = [
      ...entries.map(({ what, why }) => `# ${what}: ${why}\n`),
      ...model('node-1').problems.map((p) => `# problem: ${p}\n`),
      formatTable(table),
    ].join('');
    if (process.env.UPDATE_GOLDEN) fs.writeFileSync(fileOf(name, 'expected.nft'), text);
    assert.equal(text, fs.readFileSync(fileOf(name, 'expected.nft'), 'utf8'));
  });

  test(`truth table: ${name}`, () => {
    const tables = tablesOf(model);
    for (const packet of packets) {
      const { protocol, ...rest } = packet;
      const connection: Connection = { ...rest, ...(protocol !== 'icmp' && { protocol }) };
      assert.equal(
        judge(model('node-1'), connection).allowed,
        packet.allowed,
        `judged from the objects: ${packet.text}`,
      );
      assert.equal(passes(tables, connection), packet.allowed, `interpreted: ${packet.text}`);
    }
  });
}

test('the order in which objects arrive does not matter', () => {
  const { snapshot } = readCase('clinic');
  const forwards = plan(buildModel({ nodeName: 'node-1', ...snapshot }));
  const backwards = plan(
    buildModel({
      nodeName: 'node-1',
      pods: snapshot.pods.toReversed(),
      namespaces: snapshot.namespaces.toReversed(),
      policies: snapshot.policies.toReversed(),
      dnsAddresses: snapshot.dnsAddresses,
    }),
  );
  assert.deepEqual(backwards, forwards);
});

test('one more pod costs an element in each set it belongs to and nothing else', () => {
  const { snapshot } = readCase('clinic');
  const twin = structuredClone(snapshot.pods.find((pod) => pod.metadata?.name === 'reception'));
  assert.ok(twin?.metadata && twin.status);
  twin.metadata.name = 'reception-2';
  twin.status.podIP = '10.244.1.99';
  const before = plan(buildModel({ nodeName: 'node-1', ...snapshot }));
  const after = plan(buildModel({ nodeName: 'node-1', ...snapshot, pods: [...snapshot.pods, twin] }));
  const changes = diffTables(before.table, after.table).map((change) => change.text);
  assert.ok(
    changes.length > 0 && changes.every((text) => text.startsWith('add element') && text.includes('10.244.1.99')),
    changes.join('\n'),
  );
  assert.ok(changes.length <= 7, changes.join('\n'));
});

test('an address is in force as soon as it is assigned, before the status tells it', () => {
  const { snapshot } = readCase('clinic');
  const pods = snapshot.pods.map((pod) =>
    pod.metadata?.name === 'records' ? { ...pod, status: { phase: 'Pending' } } : pod,
  );
  const subjects = (assigned: ReadonlyMap<string, IpAddress>) =>
    plan(buildModel({ nodeName: 'node-1', ...snapshot, pods, assigned }))
      .table.sets.find((set) => set.name === 'ingress-pods')
      ?.elements.map((e) => e.key[0]);
  assert.deepEqual(subjects(new Map()), ['10.244.1.11']);
  const assigned = new Map([['clinic/records', '10.244.1.77' as IpAddress]]);
  assert.deepEqual(subjects(assigned)?.toSorted(), ['10.244.1.11', '10.244.1.77']);
});

const labels = fc.dictionary(fc.constantFrom('app', 'tier'), fc.constantFrom('x', 'y'));
const requirement = fc.record({
  key: fc.constantFrom('app', 'tier'),
  operator: fc.constantFrom('In', 'NotIn', 'Exists', 'DoesNotExist'),
  values: fc.constant(['x']),
});
const selector = fc.record(
  { matchLabels: labels, matchExpressions: fc.array(requirement, { maxLength: 1 }) },
  { requiredKeys: [] },
);
const protocol = fc.constantFrom('TCP', 'UDP', 'SCTP');
const namespaceName = fc.constantFrom('n1', 'n2');
const hosts = Array.from({ length: 6 }, (_, i) => `10.244.${1 + (i % 2)}.${i + 1}`);
const apiPort = fc.oneof(
  fc.record({ protocol }),
  fc.record({ protocol, port: fc.integer({ min: 79, max: 83 }) }),
  fc.record({ protocol, port: fc.integer({ min: 79, max: 81 }), endPort: fc.integer({ min: 81, max: 83 }) }),
  fc.record({ port: fc.constantFrom('web', 'dns') }),
);
const block = fc.record({
  cidr: fc.constantFrom('10.244.0.0/16', '10.244.1.0/24', '0.0.0.0/0', '10.244.2.2/32'),
  except: fc.subarray(['10.244.1.0/30', '10.244.2.0/24', '10.244.1.1/32']),
});
const apiPeer = fc.oneof(
  fc.record({ podSelector: selector }),
  fc.record({ namespaceSelector: selector }),
  fc.record({ namespaceSelector: selector, podSelector: selector }),
  block.map((ipBlock) => ({ ipBlock })),
);
const peers = fc.array(apiPeer, { maxLength: 2 });
const ports = fc.array(apiPort, { maxLength: 2 });
const apiPolicy = fc.record({
  metadata: fc.record({ namespace: namespaceName, name: fc.constantFrom('p', 'q', 'r') }),
  spec: fc.record(
    {
      podSelector: selector,
      policyTypes: fc.constantFrom(['Ingress'], ['Egress'], ['Ingress', 'Egress']),
      ingress: fc.array(fc.record({ from: peers, ports }, { requiredKeys: [] }), { maxLength: 2 }),
      egress: fc.array(fc.record({ to: peers, ports }, { requiredKeys: [] }), { maxLength: 2 }),
    },
    { requiredKeys: ['podSelector'] },
  ),
});
const apiPod = (ip: string, i: number) =>
  fc
    .record({ namespace: namespaceName, labels, number: fc.integer({ min: 79, max: 83 }) })
    .map(({ namespace, labels: own, number }) => ({
      metadata: { namespace, name: `pod-${i}`, labels: own },
      spec: {
        nodeName: NODES[i % 2] ?? '',
        containers: [
          {
            name: 'c',
            ports: [
              { name: 'web', containerPort: number },
              { name: 'dns', containerPort: number, protocol: 'UDP' },
            ],
          },
        ],
      },
      status: { phase: 'Running', podIP: ip },
    }));

test('the rules say what the objects say, for any policies and any packet', () => {
  const world = fc.record({
    pods: fc.tuple(...hosts.slice(0, 5).map(apiPod)),
    namespaces: fc
      .tuple(labels, labels)
      .map(([a, b]) => [{ metadata: { name: 'n1', labels: a } }, { metadata: { name: 'n2', labels: b } }]),
    policies: fc.uniqueArray(apiPolicy, {
      maxLength: 5,
      selector: ({ metadata }) => `${metadata.namespace}/${metadata.name}`,
    }),
  });
  const packet = fc.record({
    source: fc.constantFrom(...hosts),
    destination: fc.constantFrom(...hosts),
    protocol: fc.constantFrom('tcp', 'udp', 'sctp'),
    port: fc.integer({ min: 79, max: 83 }),
  }) as fc.Arbitrary<Connection>;
  fc.assert(
    fc.property(world, fc.array(packet, { minLength: 8, maxLength: 12 }), (objects, packets) => {
      const model = (nodeName: string) =>
        buildModel({ nodeName, dnsAddresses: [], ...objects } as unknown as PolicySnapshot);
      const tables = tablesOf(model);
      for (const connection of packets) {
        if (connection.source === connection.destination) continue;
        assert.equal(
          passes(tables, connection),
          judge(model('node-1'), connection).allowed,
          JSON.stringify(connection),
        );
      }
    }),
    { numRuns: 150 },
  );
});
