import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseIp, parsePrefix } from '@podwire/base';
import type { SetElement, Table } from '@podwire/nft';
import fc from 'fast-check';
import type { EndpointModel, NodeModel, ServiceModel, ServicesView } from '../model.ts';
import { FamilyRules, type TableWriter } from './family-rules.ts';
import { plan } from './plan.ts';

const CLUSTER = {
  podCidrs: [parsePrefix('10.244.0.0/16'), parsePrefix('fd00:1::/64')],
  serviceCidrs: [parsePrefix('10.96.0.0/16'), parsePrefix('fd00:2::/112')],
};
const NODE: NodeModel = {
  name: 'node-1',
  addresses: [parseIp('172.30.0.1'), parseIp('fd00:3::1')],
  nodePortAddresses: [parseIp('172.30.0.1'), parseIp('fd00:3::1')],
  podCidrs: [parsePrefix('10.244.1.0/24')],
  zone: 'a',
};

/** A table as its elements alone, changed as the kernel would. */
class PaperWriter implements TableWriter {
  readonly sets = new Map<string, Map<string, string>>();
  whole = 0;

  apply(table: Table): number {
    this.whole++;
    this.sets.clear();
    for (const [name, elements] of elementsOf(table)) this.sets.set(name, elements);
    return 0;
  }

  change(_: unknown, { elements }: Parameters<TableWriter['change']>[1]): number {
    for (const { set, add, remove } of elements) {
      const present = this.sets.get(set);
      assert.ok(present);
      for (const { key } of remove) present.delete(JSON.stringify(key));
      for (const { key, data } of add) present.set(JSON.stringify(key), JSON.stringify(data));
    }
    return elements.length;
  }

  forgetFlows(): number {
    return 0;
  }
}

function elementsOf({ sets }: Table): Map<string, Map<string, string>> {
  const text = ({ key, data }: SetElement): [string, string] => [JSON.stringify(key), JSON.stringify(data)];
  return new Map(sets.map(({ name, elements }) => [name, new Map(elements.map(text))]));
}

const address = fc.oneof(
  fc.integer({ min: 1, max: 4 }).map((n) => parseIp(`10.96.0.${n}`)),
  fc.integer({ min: 1, max: 2 }).map((n) => parseIp(`fd00:2::${n}`)),
);
const podAddress = fc.oneof(
  fc.integer({ min: 1, max: 5 }).map((n) => parseIp(`10.244.1.${n}`)),
  fc.integer({ min: 1, max: 2 }).map((n) => parseIp(`fd00:1::${n}`)),
);
const addresses = fc.uniqueArray(address, { maxLength: 2 });
const endpoint: fc.Arbitrary<EndpointModel> = fc.record(
  {
    address: podAddress,
    port: fc.constantFrom(80, 8080),
    ready: fc.boolean(),
    fallback: fc.boolean(),
    local: fc.boolean(),
    maybeLocal: fc.boolean(),
    weight: fc.constantFrom(2, 3),
    forZones: fc.constantFrom(['a'], ['b']),
  },
  { requiredKeys: ['address', 'port', 'ready', 'fallback', 'local', 'maybeLocal'] },
);
const endpoints = fc.uniqueArray(endpoint, { maxLength: 4, selector: (one) => `${one.address} ${one.port}` });
const service = (name: string): fc.Arbitrary<ServiceModel> =>
  fc.record(
    {
      namespace: fc.constant('n'),
      name: fc.constant(name),
      clusterAddresses: addresses,
      externalAddresses: addresses,
      loadBalancerAddresses: addresses,
      sourceRanges: fc.constant([parsePrefix('192.0.2.0/24'), parsePrefix('::/0')]),
      affinitySeconds: fc.constantFrom(0, 0, 60),
      internalLocal: fc.boolean(),
      externalLocal: fc.boolean(),
      balance: fc.constantFrom('round-robin', 'source-hash', 'maglev'),
      ports: fc.array(
        fc.record(
          {
            name: fc.constant(''),
            protocol: fc.constantFrom('tcp', 'udp'),
            port: fc.constantFrom(80, 53),
            nodePort: fc.constantFrom(30_000, 30_001),
            endpoints,
          },
          { requiredKeys: ['name', 'protocol', 'port', 'endpoints'] },
        ),
        { maxLength: 2 },
      ),
    },
    {
      requiredKeys: [
        ...(['namespace', 'name', 'clusterAddresses', 'externalAddresses', 'loadBalancerAddresses'] as const),
        ...(['affinitySeconds', 'internalLocal', 'externalLocal', 'ports'] as const),
      ],
    },
  );
const NAMES = ['a', 'b', 'c', 'd'] as const;
const edit = fc
  .constantFrom(...NAMES)
  .chain((name) =>
    fc.oneof(
      { weight: 6, arbitrary: service(name).map((model) => ({ name, service: model, foreign: undefined })) },
      { weight: 1, arbitrary: addresses.map((foreign) => ({ name, service: undefined, foreign })) },
      { weight: 1, arbitrary: fc.constant({ name, service: undefined, foreign: undefined }) },
    ),
  );

test('whatever the edits, what was changed step by step is what is planned at once', () => {
  fc.assert(
    fc.property(fc.array(fc.array(edit, { minLength: 1, maxLength: 3 }), { maxLength: 12 }), (passes) => {
      const view = { cluster: CLUSTER, node: NODE, services: new Map(), foreign: new Map() } satisfies ServicesView;
      const families = (['ipv4', 'ipv6'] as const).map((family) => ({
        rules: new FamilyRules(family),
        writer: new PaperWriter(),
      }));
      for (const pass of [[], ...passes]) {
        for (const { name, service: model, foreign } of pass) {
          view.services.delete(name);
          view.foreign.delete(name);
          if (model) view.services.set(name, model);
          if (foreign) view.foreign.set(name, foreign);
        }
        const changes = new Set(pass.map(({ name }) => `${name}`));
        for (const { rules, writer } of families) rules.sync(writer, { view, changes, look: false });
      }
      const desired = plan({
        ...view,
        services: [...view.services.values()],
        foreignAddresses: [...view.foreign.values()].flat(),
      });
      families.forEach(({ writer, rules }, i) => {
        const table = desired.tables[i];
        assert.ok(table);
        const expected = elementsOf(table);
        assert.deepEqual(writer.sets, expected);
        const { sizes } = rules.settlement;
        for (const [name, size] of Object.entries(sizes)) assert.equal(size, expected.get(name)?.size, name);
      });
    }),
  );
});
