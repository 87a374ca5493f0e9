import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kindNamed } from '@podwire/kube';
import fc from 'fast-check';
import { createSchema } from '../schema/index.ts';
import type { MergeRule } from '../seam.ts';
import { mergeApplied } from './apply-merge.ts';
import { applyPatch } from './apply-patch.ts';
import { appliedFields } from './field-changes.ts';
import { jsonPatch, mergePatch } from './patches.ts';
import { strategicPatch } from './strategic-patch.ts';

const schema = createSchema();
const ruleAt = (path: readonly string[]) => schema.mergeRule(kindNamed('Deployment'), path);
const serviceRule = (path: readonly string[]) => schema.mergeRule(kindNamed('Service'), path);

test('merge patch: the examples of RFC 7386, appendix A', () => {
  const cases: [unknown, unknown, unknown][] = [
    [{ a: 'b' }, { a: 'c' }, { a: 'c' }],
    [{ a: 'b' }, { b: 'c' }, { a: 'b', b: 'c' }],
    [{ a: 'b' }, { a: null }, {}],
    [{ a: 'b', b: 'c' }, { a: null }, { b: 'c' }],
    [{ a: ['b'] }, { a: 'c' }, { a: 'c' }],
    [{ a: 'c' }, { a: ['b'] }, { a: ['b'] }],
    [{ a: { b: 'c' } }, { a: { b: 'd', c: null } }, { a: { b: 'd' } }],
    [{ a: [{ b: 'c' }] }, { a: [1] }, { a: [1] }],
    [
      ['a', 'b'],
      ['c', 'd'],
      ['c', 'd'],
    ],
    [{ a: 'b' }, ['c'], ['c']],
    [{ a: 'foo' }, null, null],
    [{ a: 'foo' }, 'bar', 'bar'],
    [{ e: null }, { a: 1 }, { e: null, a: 1 }],
    [[1, 2], { a: 'b', c: null }, { a: 'b' }],
    [{}, { a: { bb: { ccc: null } } }, { a: { bb: {} } }],
  ];
  for (const [target, patch, result] of cases) assert.deepEqual(mergePatch(target, patch), result);
});

test('JSON patch: operations of RFC 6902, escapes, all or nothing', () => {
  const target = { a: { 'x/y': 1, 'm~n': 2 }, list: [1, 2, 3] };
  const apply = (...patch: unknown[]) => jsonPatch(target, patch);
  assert.deepEqual(apply({ op: 'add', path: '/list/1', value: 9 }), { ...target, list: [1, 9, 2, 3] });
  assert.deepEqual(apply({ op: 'add', path: '/list/-', value: 9 }), { ...target, list: [1, 2, 3, 9] });
  assert.deepEqual(apply({ op: 'remove', path: '/a/x~1y' }, { op: 'replace', path: '/a/m~0n', value: 5 }), {
    ...target,
    a: { 'm~n': 5 },
  });
  assert.deepEqual(apply({ op: 'move', from: '/list/0', path: '/first' }), { a: target.a, list: [2, 3], first: 1 });
  assert.deepEqual(apply({ op: 'copy', from: '/a', path: '/b' }), { ...target, b: target.a });
  assert.deepEqual(apply({ op: 'test', path: '/list', value: [1, 2, 3] }), target);
  const refused: unknown[][] = [
    [{ op: 'test', path: '/list/0', value: 2 }],
    [{ op: 'remove', path: '/none' }],
    [{ op: 'replace', path: '/none', value: 1 }],
    [{ op: 'add', path: '/list/4', value: 1 }],
    [{ op: 'add', path: '/list/01', value: 1 }],
    [{ op: 'move', from: '/a', path: '/a/b' }],
    [
      { op: 'add', path: '/b', value: 1 },
      { op: 'remove', path: '/none' },
    ],
    [{ op: 'sing', path: '/a' }],
    [{ op: 'add', path: '/a/__proto__', value: { polluted: 1 } }],
    [{ op: 'copy', from: '/a', path: '/__proto__' }],
    Array.from({ length: 40 }, (_, i) => ({ op: 'copy', from: '', path: `/more${i}` })),
  ];
  const before = structuredClone(target);
  for (const patch of refused)
    assert.throws(() => jsonPatch(target, patch), { name: 'PodwireError' }, JSON.stringify(patch));
  assert.deepEqual(target, before);
});

const container = (name: string, image = 'i', env?: { name: string; value: string }[]) => ({
  name,
  image,
  ...(env ? { env } : {}),
});
const deployment = (...containers: object[]) => ({ spec: { template: { spec: { containers } } } });
const patched = (containers: object[], patch: object) => {
  const target = { spec: { template: { spec: { containers } } } };
  const result = strategicPatch(target, { spec: { template: { spec: patch } } }, ruleAt) as ReturnType<
    typeof deployment
  >;
  return result.spec.template.spec.containers;
};

test('strategic merge patch: lists by merge key, and the directives', () => {
  const two = [container('a', 'i', [{ name: 'X', value: '1' }]), container('b')];
  assert.deepEqual(patched(two, { containers: [{ name: 'a', image: 'j' }] }), [
    container('a', 'j', [{ name: 'X', value: '1' }]),
    container('b'),
  ]);
  assert.deepEqual(
    patched(two, { containers: [{ name: 'a', env: [{ name: 'Y', value: '2' }] }] })[0],
    container('a', 'i', [
      { name: 'Y', value: '2' },
      { name: 'X', value: '1' },
    ]),
  );
  assert.deepEqual(patched(two, { containers: [{ name: 'a', $patch: 'delete' }] }), [container('b')]);
  assert.deepEqual(patched(two, { containers: [container('c'), { $patch: 'replace' }] }), [container('c')]);
  assert.deepEqual(
    patched(two, {
      '$setElementOrder/containers': [{ name: 'b' }, { name: 'c' }, { name: 'a' }],
      containers: [container('c')],
    }).map((c) => (c as { name: string }).name),
    ['b', 'c', 'a'],
  );
  assert.throws(() => patched(two, { containers: [{ image: 'x' }] }), /does not contain declared merge key: name/);
});

test('strategic merge patch: primitive lists, retainKeys, nulls and atomic lists', () => {
  const strategic = (target: object, patch: object) => strategicPatch(target, patch, ruleAt);
  const finalizers = (list: string[]) => ({ metadata: { finalizers: list } });
  assert.deepEqual(strategic(finalizers(['a', 'b']), finalizers(['c'])), finalizers(['c', 'a', 'b']));
  assert.deepEqual(
    strategic(finalizers(['a', 'b']), { metadata: { '$deleteFromPrimitiveList/finalizers': ['a'] } }),
    finalizers(['b']),
  );
  const strategy = { spec: { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } } };
  assert.deepEqual(strategic(strategy, { spec: { strategy: { $retainKeys: ['type'], type: 'Recreate' } } }), {
    spec: { strategy: { type: 'Recreate' } },
  });
  assert.deepEqual(strategic({ spec: { replicas: 1, paused: true } }, { spec: { paused: null } }), {
    spec: { replicas: 1 },
  });
  assert.deepEqual(
    strategic({ metadata: { labels: { a: '1' } } }, { metadata: { labels: { $patch: 'replace', b: '2' } } }),
    { metadata: { labels: { b: '2' } } },
  );
  const ports = (...list: object[]) => ({ spec: { ports: list } });
  assert.deepEqual(
    strategicPatch(
      ports({ port: 80, nodePort: 30000 }, { port: 81 }),
      ports({ port: 80, targetPort: 8080 }),
      serviceRule,
    ),
    ports({ port: 80, nodePort: 30000, targetPort: 8080 }, { port: 81 }),
  );
});

test('strategic merge patch changes neither argument and is idempotent', () => {
  const names = fc.constantFrom('a', 'b', 'c');
  const arbitrary = fc.uniqueArray(
    fc.record({ name: names, image: fc.constantFrom('i', 'j') }, { noNullPrototype: true }),
    {
      selector: (c) => c.name,
    },
  );
  fc.assert(
    fc.property(arbitrary, arbitrary, (target, patch) => {
      const [one, two] = [structuredClone(target), structuredClone(patch)];
      const once = patched(target, { containers: patch });
      assert.deepEqual([target, patch], [one, two]);
      assert.deepEqual(patched(once, { containers: patch }), once);
    }),
  );
});

const apply = (current: object | undefined, applied: object, fieldManager = 'me') =>
  applyPatch(current as Record<string, unknown> | undefined, applied as Record<string, unknown>, {
    owner: { manager: fieldManager, operation: 'Apply', apiVersion: 'v1' },
    force: true,
    ruleAt: serviceRule,
    now: '2026-01-01T00:00:00Z',
  }) as {
    metadata: { managedFields: { manager: string; fieldsV1: unknown }[]; labels?: object };
    spec: { ports?: object[]; type?: string; selector?: object };
  };

test('apply: what the manager no longer names goes, what others set stays', () => {
  const service = (spec: object, labels?: object) => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 's', ...(labels ? { labels } : {}) },
    spec,
  });
  const first = apply(
    undefined,
    service(
      {
        type: 'NodePort',
        ports: [
          { port: 80, protocol: 'TCP', name: 'a' },
          { port: 81, protocol: 'TCP', name: 'b' },
        ],
      },
      { x: '1', y: '1' },
    ),
  );
  const defaulted = {
    ...first,
    spec: { ...first.spec, sessionAffinity: 'None', ports: first.spec.ports?.map((p) => ({ ...p, nodePort: 30000 })) },
  };
  const second = apply(defaulted, service({ ports: [{ port: 80, name: 'c' }] }, { x: '2' }));
  assert.deepEqual(second.spec, {
    sessionAffinity: 'None',
    ports: [{ port: 80, protocol: 'TCP', name: 'c', nodePort: 30000 }],
  });
  assert.deepEqual(second.metadata.labels, { x: '2' });
  const other = apply(second, service({}, { x: '2', z: '1' }), 'other');
  const mine = apply(other, service({ ports: [{ port: 80, name: 'c' }] }));
  assert.deepEqual(mine.metadata.labels, { x: '2', z: '1' });
  assert.deepEqual(
    mine.metadata.managedFields.map((entry) => entry.manager),
    ['me', 'other'],
  );
});

test('apply: the fields are recorded as Kubernetes records them', () => {
  const set = appliedFields(
    {
      apiVersion: 'v1',
      kind: 'Service',
      metadata: { name: 's', labels: { a: 'b' } },
      spec: { ports: [{ port: 80, protocol: 'TCP' }], selector: { app: 'x' } },
    },
    serviceRule,
  );
  assert.deepEqual(set, {
    'f:metadata': { 'f:labels': { 'f:a': {} } },
    'f:spec': {
      'f:ports': { 'k:{"port":80,"protocol":"TCP"}': { '.': {}, 'f:port': {}, 'f:protocol': {} } },
      'f:selector': {},
    },
  });
});

test('patches of long lists take a time that grows as the lists do', () => {
  const names = Array.from({ length: 20_000 }, (_, i) => `x.io/f${i}`);
  const items = names.map((name) => ({ name, value: 1 }));
  const ruleAt = (path: readonly string[]) => rules[path.join('.')];
  const rules: Readonly<Record<string, MergeRule>> = {
    set: { patchStrategy: ['merge'], listType: 'set' },
    map: { patchStrategy: ['merge'], patchMergeKey: 'name', listType: 'map', listMapKeys: ['name'] },
  };
  const target = { set: names, map: items };
  const patch = {
    set: names.toReversed(),
    map: [...items.map(({ name }) => ({ name, value: 2 })), { name: 'x.io/f0', $patch: 'delete' }],
    '$deleteFromPrimitiveList/set': ['x.io/f1'],
  };
  const started = process.cpuUsage();
  const patched = strategicPatch(target, patch, ruleAt) as typeof target;
  assert.deepEqual([patched.set.length, patched.map.length], [19_999, 19_999]);
  assert.ok(!patched.set.includes('x.io/f1') && patched.map.every(({ name, value }) => name && value === 2));
  const applied = mergeApplied(target, { set: names.toReversed() }, ruleAt) as typeof target;
  assert.deepEqual([applied.set.length, applied.set[0]], [20_000, 'x.io/f19999']);
  const { user } = process.cpuUsage(started);
  // It was a minute and more.
  assert.ok(user < 20_000_000, `${user} us`);
});
