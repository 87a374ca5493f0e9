import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { statusOf } from '@podwire/kube';
import fc from 'fast-check';
import type { ApiObject } from '../seam.ts';
import { CustomApi, widgetDefinition } from './custom-api.fixture.ts';

const TEXT = { type: 'string' };
const ITEM = { type: 'object', required: ['name'], properties: { name: TEXT, n: { type: 'integer', default: 1 } } };
const SPEC = {
  type: 'object',
  properties: {
    text: { ...TEXT, pattern: '^a+$', minLength: 1, enum: ['a', 'aa'] },
    port: { 'x-kubernetes-int-or-string': true, anyOf: [{ type: 'integer' }, { type: 'string' }] },
    list: { type: 'array', items: ITEM, 'x-kubernetes-list-type': 'map', 'x-kubernetes-list-map-keys': ['name'] },
    map: { type: 'object', additionalProperties: TEXT },
    open: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    one: { type: 'object', properties: { a: TEXT }, oneOf: [{ required: ['a'] }, { not: { required: ['a'] } }] },
  },
  'x-kubernetes-validations': [
    { rule: 'self.list.all(i, i.n > 0) && has(self.map)', message: 'm', fieldPath: '.list' },
  ],
};
const VERSION = {
  additionalPrinterColumns: [{ name: 'a', type: 'string', jsonPath: '.spec.text' }],
  selectableFields: [{ jsonPath: '.spec.text' }],
  subresources: { status: {}, scale: { specReplicasPath: '.spec.n', statusReplicasPath: '.status.n' } },
};
const DEFINITION = widgetDefinition({ properties: { spec: SPEC } }, { version: VERSION });
const WIDGET = {
  spec: { text: 'a', port: 1, list: [{ name: 'x' }], map: { k: 'v' }, open: { a: [1] }, one: { a: '' } },
};

async function open(t: TestContext): Promise<CustomApi> {
  const api = await CustomApi.open();
  t.after(() => api.close());
  return api;
}

const junk = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  fc.constantFrom(
    null,
    [],
    {},
    [null],
    { type: 'object' },
    { items: {} },
    '',
    -1,
    1e300,
    ['a'],
    { $ref: '#' },
    '__proto__',
    'constructor',
  ),
);

/** A copy with something else at the place the numbers lead to. */
function mutated(value: unknown, [step, ...rest]: readonly number[], other: unknown): unknown {
  if (step === undefined || typeof value !== 'object' || value === null) return other;
  const keys = Object.keys(value);
  const key = keys[step % keys.length];
  if (key === undefined) return other;
  const member = mutated((value as Record<string, unknown>)[key], rest, other);
  return Array.isArray(value) ? value.map((one, i) => (String(i) === key ? member : one)) : { ...value, [key]: member };
}

const place = fc.array(fc.nat(20), { minLength: 1, maxLength: 9 });

/** Whatever is asked for, the answer is an object or a Status. */
async function answered(write: () => Promise<unknown>): Promise<void> {
  try {
    await write();
  } catch (error) {
    assert.ok(statusOf(error), String((error as Error).stack));
  }
}

test('a definition with anything anywhere is answered', async (t) => {
  const api = await open(t);
  await fc.assert(
    fc.asyncProperty(place, junk, async (where, other) => {
      const spec = mutated(DEFINITION.spec, where, other);
      const draft = { ...DEFINITION, spec } as ApiObject;
      await answered(() => api.define({ ...draft, metadata: { ...draft.metadata } }));
      if (api.kinds.withId('widgets.example.com')) {
        await answered(() => api.put(WIDGET, { dryRun: true, fieldValidation: 'Ignore' }));
      }
      const target = { kind: api.definitionKind, name: 'widgets.example.com' };
      if (api.store.latest(target.kind.id, target.name)) await api.registry.remove(target, {}, false);
    }),
    { numRuns: 300 },
  );
});

test('an object with anything anywhere is answered', async (t) => {
  const api = await open(t);
  await api.define(DEFINITION);
  await fc.assert(
    fc.asyncProperty(place, junk, async (where, other) => {
      const fields = mutated(WIDGET, where, other) as object;
      await answered(() => api.put(fields, { fieldValidation: 'Ignore' }));
    }),
    { numRuns: 500 },
  );
});
