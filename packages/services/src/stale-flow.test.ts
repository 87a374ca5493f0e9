import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { UdpFlow } from './conntrack.ts';
import { mayBeStale, staleFlows, type UdpEntries } from './stale-flow.ts';

const entries = (table: Record<string, string[]>): UdpEntries => new Map(Object.entries(table));
const flow = (destination: string, endpoint: string): UdpFlow => ({
  destination: destination as never,
  destinationPort: 53,
  endpoint: endpoint as never,
  endpointPort: 5353,
});
const one = { '10.96.0.2 udp 53': ['10.244.1.2:5353'] };
const both = { '10.96.0.2 udp 53': ['10.244.1.2:5353', '10.244.1.3:5353'] };
const none = { '10.96.0.2 udp 53': [] };

const CASES: readonly [
  name: string,
  before: Record<string, string[]> | undefined,
  after: Record<string, string[]>,
  stale: boolean,
][] = [
  ['nothing known', undefined, one, true],
  ['no UDP at all', undefined, {}, false],
  ['the same', one, one, false],
  ['an endpoint more', one, both, false],
  ['an endpoint less', both, one, true],
  ['the first endpoint', none, one, true],
  ['the last endpoint', one, none, true],
  ['a new entry', {}, one, true],
  ['an entry less', one, {}, true],
];
for (const [name, before, after, expected] of CASES) {
  test(`tracked flows may be stale after: ${name}`, () => {
    assert.equal(mayBeStale(before && entries(before), entries(after)), expected);
  });
}

test('a flow is stale when its entry does not lead to its endpoint', () => {
  const flows = {
    kept: flow('10.96.0.2', '10.244.1.2'),
    gone: flow('10.96.0.2', '10.244.1.3'),
    untranslated: flow('10.96.0.2', '10.96.0.2'),
    other: flow('10.244.9.9', '10.244.9.9'),
  };
  assert.deepEqual(staleFlows(Object.values(flows), entries(both), entries(one)), [flows.gone, flows.untranslated]);
  assert.deepEqual(staleFlows(Object.values(flows), entries(both), entries({})), [flows.kept, flows.gone]);
  assert.deepEqual(staleFlows(Object.values(flows), undefined, entries({})), []);
});
