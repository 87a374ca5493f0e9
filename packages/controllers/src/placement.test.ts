import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ObjectOf } from '@podwire/kube';
import fc from 'fast-check';
import { placePod } from './placement.ts';

type Pod = ObjectOf<'Pod'>;
type Node = ObjectOf<'Node'>;
const ZONE = 'zone';

const node = (name: string, { labels = {}, ...status }: { labels?: object; allocatable?: object } = {}): Node => ({
  metadata: { name, labels: { host: name, ...labels } },
  status: { conditions: [{ type: 'Ready', status: 'True' }], ...status } as NonNullable<Node['status']>,
});
const pod = (spec: object, labels: Record<string, string> = {}): Pod => ({
  metadata: { namespace: 'default', labels },
  spec: { containers: [], ...spec },
});
const at = (nodeName: string, spec: object = {}, labels: Record<string, string> = {}): Pod =>
  pod({ nodeName, ...spec }, labels);
const asking = (requests: object, more: object = {}): object => ({
  containers: [{ name: 'c', resources: { requests } }],
  ...more,
});
const web = { matchLabels: { app: 'web' } };

function refusal(spec: object, nodes: readonly Node[], pods: readonly Pod[] = [], labels = {}): string {
  const placement = placePod(pod(spec, labels), nodes, pods);
  assert.ok('refused' in placement, JSON.stringify(placement));
  return placement.refused.replace(/ preemption.*/, '');
}
function place(spec: object, nodes: readonly Node[], pods: readonly Pod[] = [], labels = {}): string {
  const placement = placePod(pod(spec, labels), nodes, pods);
  assert.ok('node' in placement, JSON.stringify(placement));
  return placement.node;
}

test('resources: requests of all containers, or of an init container that asks for more', () => {
  const nodes = [node('a', { allocatable: { cpu: '2', memory: '1Gi', pods: '2' } })];
  const taken = [at('a', asking({ cpu: '1500m' }))];
  assert.equal(place(asking({ cpu: '500m' }), nodes, taken), 'a');
  assert.equal(
    refusal(asking({ cpu: '600m', memory: '2Gi' }), nodes, taken),
    '0/1 nodes are available: 1 Insufficient cpu, 1 Insufficient memory.',
  );
  const init = { initContainers: [{ name: 'i', resources: { requests: { cpu: '1' } } }] };
  assert.match(refusal(asking({ cpu: '100m' }, init), nodes, taken), /1 Insufficient cpu\./);
  assert.match(refusal(asking({ 'example.com/gpu': '1' }), nodes), /1 Insufficient example\.com\/gpu\./);
  assert.match(refusal({}, nodes, [at('a'), at('a')]), /1 Too many pods\./);
  const over = { ...at('a', asking({ cpu: '2' })), status: { phase: 'Succeeded' } };
  assert.equal(place(asking({ cpu: '2' }), nodes, [over]), 'a');
  assert.equal(refusal({}, []), 'no nodes available to schedule pods');
});

test('ports of the node are taken once per address and protocol', () => {
  const port = (hostPort: number, more: object = {}): object => ({
    containers: [{ name: 'c', ports: [{ hostPort, ...more }] }],
  });
  const taken = [at('a', port(80))];
  assert.match(
    refusal(port(80), [node('a')], taken),
    /1 node\(s\) didn't have free ports for the requested pod ports\./,
  );
  assert.match(refusal(port(80, { hostIP: '127.0.0.1' }), [node('a')], taken), /free ports/);
  assert.equal(place(port(80, { protocol: 'UDP' }), [node('a')], taken), 'a');
});

test('node affinity: required terms, and preferences by weight', () => {
  const nodes = [node('a', { labels: { cpus: '4' } }), node('b', { labels: { cpus: '16', disk: 'ssd' } }), node('c')];
  const required = (...nodeSelectorTerms: object[]) => ({
    affinity: { nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms } } },
  });
  const by = (key: string, operator: string, ...values: string[]) => ({
    matchExpressions: [{ key, operator, values }],
  });
  assert.equal(place(required(by('cpus', 'Gt', '8')), nodes), 'b');
  assert.equal(place(required(by('cpus', 'DoesNotExist')), nodes), 'c');
  assert.equal(place(required({ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['c'] }] }), nodes), 'c');
  assert.match(refusal(required({}), nodes), /3 node\(s\) didn't match Pod's node affinity\/selector\./);
  const preference = { weight: 5, preference: by('disk', 'In', 'ssd') };
  const preferred = { nodeAffinity: { preferredDuringSchedulingIgnoredDuringExecution: [preference] } };
  assert.equal(place({ affinity: preferred }, nodes), 'b');
});

test('pod affinity and anti-affinity, both ways; the first of a group may go anywhere', () => {
  const nodes = [node('a', { labels: { [ZONE]: 'z1' } }), node('b', { labels: { [ZONE]: 'z2' } })];
  const term = { labelSelector: web, topologyKey: ZONE };
  const spec = (kind: 'podAffinity' | 'podAntiAffinity') => ({
    affinity: { [kind]: { requiredDuringSchedulingIgnoredDuringExecution: [term] } },
  });
  const there = [at('b', {}, { app: 'web' })];
  assert.equal(place(spec('podAffinity'), nodes, there), 'b');
  assert.equal(place(spec('podAntiAffinity'), nodes, there), 'a');
  assert.match(refusal(spec('podAffinity'), nodes), /2 node\(s\) didn't match pod affinity rules\./);
  assert.equal(place(spec('podAffinity'), nodes, [], { app: 'web' }), 'a');
  const everywhere = [...there, at('a', {}, { app: 'web' })];
  assert.match(
    refusal(spec('podAntiAffinity'), nodes, everywhere),
    /2 node\(s\) didn't match pod anti-affinity rules\./,
  );
  const shy = [at('a', spec('podAntiAffinity')), at('b', spec('podAntiAffinity'))];
  assert.match(
    refusal({}, nodes, shy, { app: 'web' }),
    /2 node\(s\) didn't satisfy existing pods anti-affinity rules\./,
  );
  assert.equal(place({}, nodes, shy, { app: 'other' }), 'a');
});

test('pods spread over zones never differ by more than maxSkew, whatever else is there', () => {
  const constraint = { maxSkew: 1, topologyKey: ZONE, whenUnsatisfiable: 'DoNotSchedule', labelSelector: web };
  const zones = fc.array(fc.constantFrom('z1', 'z2', 'z3'), { minLength: 1, maxLength: 6 });
  fc.assert(
    fc.property(zones, fc.integer({ min: 1, max: 20 }), fc.array(fc.nat({ max: 5 })), (places, count, others) => {
      const nodes = places.map((zone, n) => node(`n${n}`, { labels: { [ZONE]: zone } }));
      const pods = others.map((n) => at(`n${n % nodes.length}`, {}, { app: 'other' }));
      for (let n = 0; n < count; n++)
        pods.push(
          at(place({ topologySpreadConstraints: [constraint] }, nodes, pods, { app: 'web' }), {}, { app: 'web' }),
        );
      const zoneOf = (one: Pod) => places[Number(one.spec?.nodeName?.slice(1))];
      const mine = pods.filter(({ metadata }) => metadata?.labels?.app === 'web').map(zoneOf);
      const counts = [...new Set(places)].map((zone) => mine.filter((one) => one === zone).length);
      assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, counts.join());
    }),
    { numRuns: 50 },
  );
  const nodes = [node('a', { labels: { [ZONE]: 'z1' } }), node('b')];
  const full = [at('a', {}, { app: 'web' })];
  assert.match(
    refusal({ topologySpreadConstraints: [{ ...constraint, minDomains: 2 }] }, nodes, full, { app: 'web' }),
    /1 node\(s\) didn't match pod topology spread constraints, 1 node\(s\) didn't match pod topology spread constraints \(missing required label\)\./,
  );
});
