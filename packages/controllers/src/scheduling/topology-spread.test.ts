import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ObjectOf } from '@podwire/kube';
import { placePod } from '../placement.ts';

type Pod = ObjectOf<'Pod'>;
type Node = ObjectOf<'Node'>;

const ZONE = 'zone';
const node = (name: string, zone: string, more: Node['spec'] = {}): Node => ({
  metadata: { name, labels: { [ZONE]: zone, host: name } },
  spec: more,
  status: { conditions: [{ type: 'Ready', status: 'True' }] },
});
const at = (nodeName: string, labels: Record<string, string> = { app: 'web' }): Pod => ({
  metadata: { namespace: 'default', labels },
  spec: { nodeName, containers: [] },
});
const hard = {
  ...{ maxSkew: 1, topologyKey: ZONE, whenUnsatisfiable: 'DoNotSchedule' },
  labelSelector: { matchLabels: { app: 'web' } },
};

/** The node, or what the pod is refused with. */
function place(constraint: object, nodes: readonly Node[], pods: readonly Pod[], spec: object = {}): string {
  const topologySpreadConstraints = [{ ...hard, ...constraint }];
  const metadata = { namespace: 'default', labels: { app: 'web', rev: '2' } };
  const pod = { metadata, spec: { containers: [], topologySpreadConstraints, ...spec } } as Pod;
  const placement = placePod(pod, nodes, pods);
  return 'node' in placement ? placement.node : placement.reasons;
}

test('a wish for balance goes where the fewest are, and refuses nowhere', () => {
  const nodes = [node('a', 'z1'), node('b', 'z2')];
  const wish = { whenUnsatisfiable: 'ScheduleAnyway' };
  const others = [at('b', { app: 'x' }), at('b', { app: 'x' })];
  assert.equal(place(wish, nodes, [at('a'), ...others]), 'b', 'rather than where fewer pods are in all');
  assert.equal(place(wish, nodes, [at('a'), at('a')], { nodeSelector: { host: 'a' } }), 'a');
});

test('nodes a pod may not have by its affinity do not count, unless it says so', () => {
  const nodes = [node('a', 'z1'), node('b', 'z2')];
  const spec = { nodeSelector: { host: 'a' } };
  assert.equal(place({}, nodes, [at('a')], spec), 'a', 'there is one zone for it');
  const words = /1 node\(s\) didn't match pod topology spread constraints\./;
  assert.match(place({ nodeAffinityPolicy: 'Ignore' }, nodes, [at('a')], spec), words);
});

test('tainted nodes count, unless it says otherwise', () => {
  const nodes = [node('a', 'z1'), node('b', 'z2', { taints: [{ key: 'k', effect: 'NoSchedule' }] })];
  assert.match(
    place({}, nodes, [at('a')]),
    /1 node\(s\) didn't match pod topology spread constraints, 1 node\(s\) had unt/,
  );
  assert.equal(place({ nodeTaintsPolicy: 'Honor' }, nodes, [at('a')]), 'a');
  const tolerations = [{ key: 'k', operator: 'Exists' }];
  assert.equal(place({ nodeTaintsPolicy: 'Honor' }, nodes, [at('a')], { tolerations }), 'b');
});

test('matchLabelKeys: pods of the same revision are balanced among themselves', () => {
  const nodes = [node('a', 'z1'), node('b', 'z2')];
  const old = [at('b', { app: 'web', rev: '1' }), at('b', { app: 'web', rev: '1' })];
  assert.equal(place({}, nodes, [...old, at('a', { app: 'web', rev: '2' })]), 'a');
  assert.equal(place({ matchLabelKeys: ['rev'] }, nodes, [...old, at('a', { app: 'web', rev: '2' })]), 'b');
});
