import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type KindName, kindNamed, statusOf } from '@podwire/kube';
import fc from 'fast-check';
import { createSchema } from '../schema/index.ts';
import type { ApiObject } from '../seam.ts';
import { applyPatch } from './apply-patch.ts';
import { difference, type FieldSet, fieldPaths, intersection, isFieldSet, LEAF, union } from './field-set.ts';
import { type Entries, entriesAfterUpdate, fieldsOf, withManagedFields } from './managed-fields.ts';
import type { JsonObject } from './patches.ts';

const schema = createSchema();
const rules = (kind: KindName) => (path: readonly string[]) => schema.mergeRule(kindNamed(kind), path);
const now = '2026-01-01T00:00:00Z';
const ruleAt = rules('Service');

const entriesOf = (object: JsonObject): Entries => (object as unknown as ApiObject).metadata.managedFields ?? [];
const said = ({ metadata, ...rest }: JsonObject) => {
  const { managedFields: _, ...others } = metadata as JsonObject;
  return { ...rest, metadata: others };
};

const apply = (current: JsonObject | undefined, applied: JsonObject, manager: string, force = false) =>
  applyPatch(current, applied, { owner: { manager, operation: 'Apply', apiVersion: 'v1' }, force, ruleAt, now });

const update = (old: JsonObject | undefined, next: JsonObject, manager: string) => {
  const [was, is] = [old as unknown as ApiObject | undefined, next as unknown as ApiObject];
  const owner = { manager, operation: 'Update', apiVersion: 'v1' } as const;
  const entries = entriesAfterUpdate({ old: was, next: is, owner, ruleAt, now });
  return withManagedFields(is, entries) as unknown as JsonObject;
};

const values = fc.constantFrom('1', '2');
const labels = fc.dictionary(fc.constantFrom('a', 'b', 'c'), values, { noNullPrototype: true });
// Lists that are merged by their items are owned only through these: an empty one is nobody's.
const ports = fc.uniqueArray(
  fc.record(
    { port: fc.constantFrom(80, 81), protocol: fc.constantFrom('TCP', 'UDP'), name: fc.constantFrom('x', 'y') },
    { noNullPrototype: true },
  ),
  { minLength: 1, selector: ({ port, protocol }) => `${port}${protocol}` },
);
const spec = fc.record(
  { type: fc.constantFrom('ClusterIP', 'NodePort'), ports, selector: labels },
  { noNullPrototype: true, requiredKeys: [] },
);
const finalizers = fc.uniqueArray(fc.constantFrom('e/a', 'e/b'), { minLength: 1 });
const config: fc.Arbitrary<JsonObject> = fc
  .record({ labels, finalizers, spec }, { noNullPrototype: true, requiredKeys: [] })
  .map(({ spec: inner, ...metadata }) => ({
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: 's', ...metadata },
    ...(inner ? { spec: inner } : {}),
  }));
const step = fc.record({ manager: fc.constantFrom('one', 'two'), applied: config, force: fc.boolean() });

/** Every set that is recorded is of fields the object has. */
function checkOwned(object: JsonObject): void {
  for (const entry of entriesOf(object)) {
    assert.ok(isFieldSet(entry.fieldsV1) && Object.keys(entry.fieldsV1).length > 0);
    // All fields of the object, as a manager that writes it anew would own them.
    const all = entriesOf(update(undefined, said(object), 'all'))[0];
    const structs = {
      'f:metadata': { 'f:labels': LEAF, 'f:finalizers': LEAF },
      'f:spec': { '.': LEAF, 'f:ports': LEAF },
    };
    assert.deepEqual(fieldPaths(difference(fieldsOf(entry), union(fieldsOf(all), structs))), []);
  }
}

test('appliers: fields are owned by who applied them last, conflicts change nothing', () => {
  fc.assert(
    fc.property(fc.array(step, { minLength: 1, maxLength: 8 }), (steps) => {
      let object: JsonObject | undefined;
      for (const { manager, applied, force } of steps) {
        const before = structuredClone([object, applied]);
        try {
          const next = apply(object, applied, manager, force);
          checkOwned(next);
          // Applying it again changes nothing; an object in which nobody owns anything is as if never applied.
          if (entriesOf(next).length > 0) assert.deepEqual(apply(next, applied, manager), next);
          // Only this manager has what is not as it was.
          for (const entry of entriesOf(next).filter(
            (one) => ['one', 'two'].includes(one.manager ?? '') && one.manager !== manager,
          )) {
            const was = entriesOf(object ?? next).find((one) => one.manager === entry.manager);
            assert.deepEqual(difference(fieldsOf(entry), fieldsOf(was)), {});
          }
          object = next;
        } catch (error) {
          const status = statusOf(error);
          assert.equal(status?.code, 409, String(error));
          assert.equal(force, false);
          assert.ok(status.details?.causes?.every(({ reason }) => reason === 'FieldManagerConflict'));
          assert.doesNotThrow(() => apply(object, applied, manager, true));
        }
        assert.deepEqual(before[1], applied);
        if (before[0] && object) assert.ok(entriesOf(object).length <= 3);
      }
    }),
    { numRuns: 300 },
  );
});

test('updates and applies: a field has one updater, and what an applier drops goes only when nobody has it', () => {
  const change = fc.record({ manager: fc.constantFrom('one', 'two'), next: config });
  fc.assert(
    fc.property(config, fc.array(change, { maxLength: 5 }), config, (first, changes, applied) => {
      let object = update(undefined, first, 'maker');
      for (const { manager, next } of changes) {
        const { managedFields } = object.metadata as JsonObject;
        object = update(object, { ...next, metadata: { ...(next.metadata as JsonObject), managedFields } }, manager);
        checkOwned(object);
        const sets = entriesOf(object).map(fieldsOf);
        for (const [i, set] of sets.entries())
          for (const other of sets.slice(i + 1)) assert.deepEqual(intersection(set, other), {});
      }
      const mine = apply(object, applied, 'applier', true);
      checkOwned(mine);
      const empty = { apiVersion: 'v1', kind: 'Service', metadata: { name: 's' } };
      const dropped = apply(mine, empty, 'applier');
      assert.ok(entriesOf(dropped).every((entry) => entry.manager !== 'applier'));
      checkOwned(dropped);
    }),
    { numRuns: 300 },
  );
});

test('sets of fields: what was taken and what was left make the whole', () => {
  const sets = fc.tuple(config, config).map(([a, b]) => {
    const [x, y] = [a, b].map((one) => fieldsOf(entriesOf(update(undefined, one, 'm'))[0]));
    return [x ?? LEAF, y ?? LEAF] as const;
  });
  const members = (set: FieldSet) => fieldPaths(set).sort();
  fc.assert(
    fc.property(sets, ([a, b]) => {
      assert.deepEqual(members(union(difference(a, b), intersection(a, b))), members(a));
      assert.deepEqual(members(intersection(difference(a, b), b)), []);
      assert.deepEqual(members(union(a, b)), members(union(b, a)));
      assert.equal(difference(a, LEAF), a);
    }),
  );
});

test('a new object is recorded as Kubernetes records it', () => {
  const deployment = {
    apiVersion: 'apps/v1',
    kind: 'Deployment',
    metadata: { name: 'd', namespace: 'default', generateName: 'd-', labels: { app: 'a' } },
    spec: {
      replicas: 1,
      selector: { matchLabels: { app: 'a' } },
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } },
      template: {
        spec: { containers: [{ name: 'c', resources: {}, ports: [{ containerPort: 80, protocol: 'TCP' }] }] },
      },
    },
  };
  const next = deployment as unknown as ApiObject;
  const owner = { manager: 'm', operation: 'Update', apiVersion: 'apps/v1' } as const;
  const [entry] = entriesAfterUpdate({ old: undefined, next, owner, ruleAt: rules('Deployment'), now });
  const port = { '.': {}, 'f:containerPort': {}, 'f:protocol': {} };
  const container = {
    '.': {},
    'f:name': {},
    'f:ports': { '.': {}, 'k:{"containerPort":80,"protocol":"TCP"}': port },
    'f:resources': {},
  };
  assert.deepEqual(entry, {
    manager: 'm',
    operation: 'Update',
    apiVersion: 'apps/v1',
    time: now,
    fieldsType: 'FieldsV1',
    fieldsV1: {
      'f:metadata': { 'f:generateName': {}, 'f:labels': { '.': {}, 'f:app': {} } },
      'f:spec': {
        'f:replicas': {},
        'f:selector': {},
        'f:strategy': { 'f:rollingUpdate': { '.': {}, 'f:maxSurge': {} }, 'f:type': {} },
        'f:template': { 'f:spec': { 'f:containers': { 'k:{"name":"c"}': container } } },
      },
    },
  });
});

test('entries a client makes up are not taken; of too many updaters the oldest become one', () => {
  let object = update(undefined, { metadata: { name: 's' }, spec: { type: 'a' } }, 'm');
  const stored = entriesOf(object);
  const hostile = [
    [{ manager: 'x' }],
    [{ operation: 'Update', apiVersion: 'v1', fieldsType: 'FieldsV1', fieldsV1: { 'k:{': {} } }],
    [{ operation: 'Update', apiVersion: 'v1', fieldsType: 'FieldsV1', fieldsV1: { __proto__x: {} } }],
    [null],
    [],
  ];
  for (const managedFields of hostile) {
    const next = update(object, { ...object, metadata: { name: 's', managedFields } }, 'm');
    assert.deepEqual(entriesOf(next), stored);
  }
  assert.deepEqual(entriesOf(update(object, { ...object, metadata: { name: 's', managedFields: [{}] } }, 'm')), []);
  for (let i = 0; i < 20; i++) {
    const metadata = object.metadata as { labels?: object };
    object = update(
      object,
      { ...object, metadata: { ...metadata, labels: { ...metadata.labels, [`l${i}`]: '1' } } },
      `m${i}`,
    );
  }
  assert.equal(entriesOf(object).length, 10);
  assert.ok(entriesOf(object).some(({ manager }) => manager === 'ancient-changes'));
  checkOwned(object);
});
