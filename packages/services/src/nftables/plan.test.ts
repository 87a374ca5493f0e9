import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { type EndpointSlice, type Node, parseManifests, type Service } from '@podwire/kube';
import { formatTable } from '@podwire/nft';
import fc from 'fast-check';
import { affinityIds } from '../choice/affinity-id.ts';
import { choiceValue } from '../choice/choice.ts';
import type { EndpointModel, ServicesModel } from '../model.ts';
import { modelFromApi } from '../snapshot.ts';
import { choiceChains } from './choice-chains.ts';
import { SCRATCH, SCRATCH_MASK, slotMark } from './layout.ts';
import { plan } from './plan.ts';

const CASES = new URL('testdata/', import.meta.url);

/** The model for node-1 of the objects in a case's input.yaml. */
function caseModel(name: string): ServicesModel {
  const text = readFileSync(new URL(`${name}/input.yaml`, CASES), 'utf8');
  const objects = parseManifests(text, name).map(({ object }) => object as { kind: string });
  const kind = <T>(wanted: string): T[] => objects.filter((object) => object.kind === wanted) as T[];
  return modelFromApi({
    services: kind<Service>('Service'),
    slices: kind<EndpointSlice>('EndpointSlice'),
    node: kind<Node>('Node')[0],
    nodeName: 'node-1',
    podCidrs: ['10.244.0.0/16', ...(name === 'dual-stack' ? ['fd00:244::/32'] : [])],
    serviceCidrs: ['10.96.0.0/12', ...(name === 'dual-stack' ? ['fd00:96::/112'] : [])],
  });
}

/** What depends on services: sets but `count`, without those that are empty; and what `podwire plan` says. */
function golden(model: ServicesModel): string {
  const { tables, entries, problems } = plan(model);
  const texts = tables.map((table) => {
    const sets = table.sets.filter((set) => set.elements.length && set.name !== 'count');
    return formatTable({ ...table, sets, chains: [] });
  });
  const lines = entries.map(({ what, why }) => `# ${what}\n#   ${why}\n`);
  return `${texts.join('')}${lines.join('')}${problems.map((line) => `# ! ${line}\n`).join('')}`;
}

for (const name of readdirSync(CASES).filter((entry) => !entry.endsWith('.nft'))) {
  test(`golden ruleset: ${name}`, () => {
    const file = new URL(`${name}/expected.nft`, CASES);
    const actual = golden(caseModel(name));
    if (process.env.UPDATE_GOLDEN) writeFileSync(file, actual);
    assert.equal(actual, readFileSync(file, 'utf8'));
  });
}

test('golden rules that never change', () => {
  const model: ServicesModel = {
    cluster: { podCidrs: [], serviceCidrs: [] },
    node: { name: 'n', addresses: ['172.30.0.11' as never], nodePortAddresses: [], podCidrs: [] },
    services: [],
    foreignAddresses: [],
  };
  const [table] = plan(model).tables;
  assert.ok(table);
  const chains = table.chains.filter((chain) => !/^n([2-9]|[1-9]\d)$/.test(chain.name));
  const actual = formatTable({ ...table, chains, sets: table.sets.filter((set) => set.name !== 'count') });
  const file = new URL('testdata/rules.nft', import.meta.url);
  if (process.env.UPDATE_GOLDEN) writeFileSync(file, actual);
  assert.equal(actual, readFileSync(file, 'utf8'));
});

test('the plan does not depend on the order of objects', () => {
  const model = caseModel('mixed');
  const reversed = { ...model, services: [...model.services].reverse() };
  assert.deepEqual(plan(reversed), plan(model));
});

test('no way to choose looks like a slot mark, and slot marks keep apart', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 86_400 }),
      fc.boolean(),
      fc.integer({ min: 1, max: 0x3fff }),
      (affinitySeconds, inside, slots) => {
        const value = choiceValue({ affinitySeconds, inside, slots });
        assert.ok(value > 0 && value <= 0xffffffff);
        assert.notEqual((value & SCRATCH_MASK) >>> 0, SCRATCH);
        assert.equal((slotMark(inside, slots) & SCRATCH_MASK) >>> 0, SCRATCH);
        assert.notEqual(slotMark(true, slots), slotMark(false, slots));
      },
    ),
  );
});

const endpoint = (n: number): EndpointModel => ({
  address: `10.244.${n >> 8}.${n & 255}` as never,
  port: 80,
  ready: true,
  fallback: false,
  local: false,
  maybeLocal: false,
});

test('affinity ids are unique, and losing an endpoint moves at most those that shared its hash', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer({ min: 0, max: 65_535 }), { minLength: 2, maxLength: 300 }),
      fc.nat(),
      (numbers, pick) => {
        const endpoints = numbers.sort((a, b) => a - b).map(endpoint);
        const ids = affinityIds(endpoints);
        assert.equal(new Set(ids.values()).size, endpoints.length);
        const lost = endpoints[pick % endpoints.length];
        const after = affinityIds(endpoints.filter((one) => one !== lost));
        const moved = [...after].filter(([name, id]) => ids.get(name) !== id);
        assert.ok(moved.length <= 3, `${moved.length} of ${endpoints.length} moved`);
      },
    ),
  );
});

test('chains for up to 64 slots always exist; more grow in powers of two; variants start with their first user', () => {
  const names = (slots: number, affinitySeconds = 0): number =>
    choiceChains(slots ? [{ slots, affinitySeconds, inside: false }] : [], 'ipv4').chains.length;
  assert.equal(names(0), 64);
  assert.equal(names(64), 64);
  assert.equal(names(65), 128);
  assert.equal(names(1_000), 1_024);
  assert.equal(names(3, 10_800), 64 + 8);
});
