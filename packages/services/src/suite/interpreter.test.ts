import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeInformers } from '@podwire/kube/testing';
import { possibilities } from '@podwire/nft';
import type { Answer } from '../world.fixture.ts';
import { putServices, type ServiceCase } from './case.ts';
import { ACROSS_NODES, SUITE } from './index.ts';
import { type Probe, placeOf } from './probe.ts';
import { connect, type Fate, VirtualNode } from './virtual-node.ts';

/*
 * What real packets come to in mode nftables (suite.kernel.test.ts), its plan says on paper: every draw of a case's rules is
 * made once, so that sets of endpoints and their shares are exact here.
 */
for (const one of [...SUITE, ...ACROSS_NODES]) test(`on paper: ${one.name}`, () => interpretCase(one));

function interpretCase({ steps }: ServiceCase): void {
  const informers = new FakeInformers();
  const nodes = { node: new VirtualNode('node', informers), node2: new VirtualNode('node2', informers) };
  for (const { services = [], probes } of steps) {
    putServices(informers, services);
    for (const by of new Set(probes.map((probe) => probe.by ?? 'node'))) nodes[by].plan();
    for (const probe of probes) judge(nodes[probe.by ?? 'node'], probe);
  }
}

/** Two connections of each host: the second one meets what the first has left. */
function judge(node: VirtualNode, probe: Probe): void {
  const { to, alternately = [], from, protocol = 'tcp' } = probe;
  const what = `${protocol} from ${from} to ${to.join(' ')}`;
  const first = possibilities((choose) => connect(node.host(choose), { ...probe, sport: 40_000 }));
  const marked = connect(
    node.host(() => 0),
    { ...probe, sport: 40_000, mark: 0x00100007 },
  );
  assert.deepEqual(marked, first[0], `${what}, with a mark`);
  if (probe.fails) {
    assert.deepEqual(first, [{ fails: probe.fails }], what);
    return;
  }
  const answers = answersOf(first, what);
  judgeServers(probe, answers, what);
  judgeSources(probe, answers, what);
  if (!probe.grouped) return;
  const [other = to] = alternately;
  // a hash of the client draws the same again, which possibilities() does not know
  if (probe.balance) return;
  const pairs = possibilities((choose) => {
    const host = node.host(choose);
    return [to, other].map((target, i) => connect(host, { ...probe, to: target, sport: 40_000 + i }));
  });
  const isTogether = pairs.every((pair) => new Set(answersOf(pair, what).map(({ server }) => server)).size === 1);
  assert.equal(isTogether, probe.grouped === 'together', what);
}

function answersOf(fates: readonly Fate[], what: string): Answer[] {
  return fates.map((fate) => ('server' in fate ? fate : assert.fail(`${what}: ${fate.fails}`)));
}

function judgeServers({ servers, sourceAt, shares, distinct }: Probe, answers: readonly Answer[], what: string): void {
  const counts = Map.groupBy(answers, ({ server }) => server);
  const names = [...counts.keys()].sort();
  if (servers) assert.deepEqual(names, [...servers].sort(), what);
  if (sourceAt) assert.deepEqual([...new Set(names.map(placeOf))].sort(), Object.keys(sourceAt).sort(), what);
  if (distinct) assert.ok(names.length > 1_000, `${what}: ${names.length} endpoints`);
  for (const [name, share] of Object.entries(shares ?? {})) {
    const whole = Object.values(shares ?? {}).reduce((a, b) => a + b, 0);
    assert.equal((counts.get(name)?.length ?? 0) * whole, answers.length * share, `${what}: share of ${name}`);
  }
}

function judgeSources({ sources, sourceAt }: Probe, answers: readonly Answer[], what: string): void {
  if (sources) assert.deepEqual([...new Set(answers.map(({ source }) => source))].sort(), [...sources].sort(), what);
  for (const { server, source } of sourceAt ? answers : [])
    assert.equal(source, sourceAt?.[placeOf(server)], `${what}, answered by ${server}`);
}
