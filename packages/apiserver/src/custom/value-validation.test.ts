import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { ApiObject } from '../seam.ts';
import { CustomApi, type WidgetOptions, widgetDefinition } from './custom-api.fixture.ts';
import { applyDefaults } from './default-values.ts';
import type { JsonSchema } from './json-schema.ts';
import { valueCauses } from './value-validation.ts';

async function open(t: TestContext, spec: object, options?: WidgetOptions): Promise<CustomApi> {
  const api = await CustomApi.open();
  t.after(() => api.close());
  await api.define(widgetDefinition({ properties: { spec: { type: 'object', ...spec } } }, options));
  return api;
}

const text = (more: object = {}) => ({ type: 'string', ...more });

test('values are checked in the words of Kubernetes', async (t) => {
  const properties = {
    text: text({ minLength: 2, maxLength: 4, pattern: '^[a-zé]+$' }),
    number: { type: 'integer', minimum: 1, maximum: 5, exclusiveMaximum: true, multipleOf: 2 },
    word: text({ enum: ['a', 'b'] }),
    flag: { type: 'boolean' },
    list: { type: 'array', items: text(), minItems: 1, maxItems: 2 },
    map: { type: 'object', additionalProperties: { type: 'integer' }, minProperties: 1, maxProperties: 2 },
    either: { 'x-kubernetes-int-or-string': true },
    none: text({ nullable: true }),
    any: { type: 'object', properties: { a: text(), b: text() }, anyOf: [{ required: ['a'] }, { required: ['b'] }] },
    one: { type: 'object', properties: { a: text(), b: text() }, oneOf: [{ required: ['a'] }, { required: ['b'] }] },
    all: { type: 'integer', allOf: [{ minimum: 1 }, { maximum: 3 }], not: { enum: [2] } },
    address: text({ format: 'ipv4' }),
    resource: { type: 'object', 'x-kubernetes-embedded-resource': true, 'x-kubernetes-preserve-unknown-fields': true },
  };
  const api = await open(t, { properties, required: ['text'] });
  const cases: readonly (readonly [spec: object, causes: string[]])[] = [
    [{ none: null, either: 1, list: ['a'], map: { x: 1 }, any: { b: '' }, one: { a: '' }, all: 3, number: 4 }, []],
    [{ text: 'abcde' }, ['spec.text: Too long: may not be more than 4 bytes']],
    [{ text: 'a' }, ['spec.text: Invalid value: "a": spec.text in body should be at least 2 chars long']],
    [{ text: 'éé' }, []],
    [{ text: 'A1' }, [`spec.text: Invalid value: "A1": spec.text in body should match '^[a-zé]+$'`]],
    [{ text: undefined }, ['spec.text: Required value']],
    [{ number: 6 }, ['spec.number: Invalid value: 6: spec.number in body should be less than 5']],
    [{ number: 3 }, ['spec.number: Invalid value: 3: spec.number in body should be a multiple of 2']],
    [{ number: 2.5 }, ['spec.number: Invalid value: "number": spec.number in body must be of type integer: "number"']],
    [{ word: 'c' }, ['spec.word: Unsupported value: "c": supported values: "a", "b"']],
    [{ flag: 'yes' }, ['spec.flag: Invalid value: "string": spec.flag in body must be of type boolean: "string"']],
    [{ list: [] }, ['spec.list: Invalid value: 0: spec.list in body should have at least 1 items']],
    [{ list: ['a', 'b', 'c'] }, ['spec.list: Too many: 3: must have at most 2 items']],
    [{ list: [1] }, ['spec.list[0]: Invalid value: "integer": spec.list[0] in body must be of type string: "integer"']],
    [{ map: {} }, ['spec.map: Invalid value: 0: spec.map in body should have at least 1 properties']],
    [
      { map: { x: 'y' } },
      ['spec.map.x: Invalid value: "string": spec.map.x in body must be of type integer: "string"'],
    ],
    [
      { either: true },
      ['spec.either: Invalid value: "boolean": spec.either in body must be of type integer,string: "boolean"'],
    ],
    [
      { any: {} },
      ['<nil>: Invalid value: "": "spec.any" must validate at least one schema (anyOf)', 'spec.any.a: Required value'],
    ],
    [
      { one: { a: '', b: '' } },
      [
        '<nil>: Invalid value: "": "spec.one" must validate one and only one schema (oneOf). Found 2 valid alternatives',
      ],
    ],
    [{ all: 2 }, ['<nil>: Invalid value: "": "spec.all" must not validate the schema (not)']],
    [
      { address: '010.0.0.1' },
      ['spec.address: Invalid value: "010.0.0.1": spec.address in body must be of type ipv4: "010.0.0.1"'],
    ],
    [{ resource: { kind: 'Pod', whatever: 1 } }, ['spec.resource.apiVersion: Required value: must not be empty']],
  ];
  for (const [spec, causes] of cases) {
    assert.deepEqual(await api.refusal({ spec: { text: 'ok', ...spec } }), causes, JSON.stringify(spec));
  }
});

test('items of sets and maps must differ', async (t) => {
  const set = { type: 'array', items: text(), 'x-kubernetes-list-type': 'set' };
  const ports = {
    type: 'array',
    'x-kubernetes-list-type': 'map',
    'x-kubernetes-list-map-keys': ['port', 'protocol'],
    items: {
      type: 'object',
      required: ['port'],
      properties: { port: { type: 'integer' }, protocol: text({ default: 'TCP' }) },
    },
  };
  const api = await open(t, { properties: { set, ports } });
  assert.deepEqual(await api.refusal({ spec: { set: ['a', 'b', 'a'] } }), ['spec.set[2]: Duplicate value: "a"']);
  assert.deepEqual(await api.refusal({ spec: { ports: [{ port: 1 }, { port: 1, protocol: 'TCP' }] } }), [
    'spec.ports[1]: Duplicate value: {"port":1,"protocol":"TCP"}',
  ]);
  assert.deepEqual(await api.refusal({ spec: { ports: [{ port: 1 }, { port: 1, protocol: 'UDP' }] } }), []);
});

test('unknown fields are refused, warned of and pruned', async (t) => {
  const free = {
    type: 'object',
    'x-kubernetes-preserve-unknown-fields': true,
    properties: { known: { type: 'object' } },
  };
  const api = await open(t, { properties: { a: text(), free, list: { type: 'array', items: { type: 'object' } } } });
  const spec = { a: '', b: 1, free: { x: { y: 1 }, known: { z: 1 } }, list: [{ q: 1 }] };
  const unknown = ['spec.b', 'spec.free.known.z', 'spec.list[0].q', 'metadata.foo'];
  const metadata = { name: 'a', foo: 1 };
  const why = ['metadata.foo', 'spec.b', 'spec.free.known.z', 'spec.list[0].q'].map(
    (path) => `unknown field "${path}"`,
  );
  assert.deepEqual(await api.refusal({ spec, metadata }), [
    `Widget in version "v1" cannot be handled as a Widget: strict decoding error: ${why.join(', ')}`,
  ]);
  const made = await api.put({ spec, metadata }, { fieldValidation: 'Warn' });
  assert.deepEqual(api.warnings.sort(), unknown.map((path) => `unknown field "${path}"`).sort());
  assert.deepEqual(made.spec, { a: '', free: { x: { y: 1 }, known: {} }, list: [{}] });
});

test('defaults go into what is there, and for null where that is not allowed', async (t) => {
  const inner = {
    type: 'object',
    properties: { a: { type: 'integer', default: 1 }, b: text({ nullable: true, default: 'x' }) },
  };
  const api = await open(t, {
    properties: { inner, made: { ...inner, default: {} }, list: { type: 'array', items: inner } },
  });
  const { spec } = await api.put({ spec: { inner: { a: null, b: null }, list: [{}, { a: 5 }] } });
  assert.deepEqual(spec, {
    inner: { a: 1, b: null },
    made: { a: 1, b: 'x' },
    list: [
      { a: 1, b: 'x' },
      { a: 5, b: 'x' },
    ],
  });
});

test('what was let in before may stay as it is', async (t) => {
  const api = await open(t, { properties: { a: text(), b: text() } });
  await api.put({ spec: { a: 'long', b: 'x' } });
  const stricter = widgetDefinition({
    properties: { spec: { type: 'object', properties: { a: text({ maxLength: 2 }), b: text() } } },
  });
  const target = { kind: api.definitionKind, name: 'widgets.example.com' };
  await api.registry.change(target, (old) => ({ ...old, spec: stricter.spec }) as ApiObject, api.options());
  assert.deepEqual(await api.refusal({ spec: { a: 'long', b: 'y' } }), []);
  assert.deepEqual(await api.refusal({ spec: { a: 'longer', b: 'y' } }), [
    'spec.a: Too long: may not be more than 2 bytes',
  ]);
});

test('each version has a schema of its own', async (t) => {
  const versionOf = (name: string, properties: object, more: object) => ({
    name,
    served: true,
    storage: false,
    schema: { openAPIV3Schema: { type: 'object', properties: { spec: { type: 'object', properties } } } },
    ...more,
  });
  const versions = [
    versionOf('v1', { a: text(), b: text({ default: 'new' }) }, { storage: true }),
    versionOf('v1beta1', { a: text({ maxLength: 1 }) }, { deprecated: true }),
    versionOf('v1alpha1', { a: text() }, { served: false }),
  ];
  const api = await open(t, {}, { spec: { versions } });
  assert.deepEqual(api.widget().otherVersions, ['example.com/v1beta1']);
  const apiVersion = 'example.com/v1beta1';
  assert.deepEqual(await api.refusal({ spec: { a: 'xx' } }, { apiVersion }), [
    'spec.a: Too long: may not be more than 1 bytes',
  ]);
  assert.deepEqual(await api.refusal({ spec: { a: 'xx' } }), []);
  const version = api.custom.definition('widgets.example.com')?.versions.get(apiVersion);
  assert.equal(version?.warning, 'example.com/v1beta1 Widget is deprecated');
});

test('fields may have the names that every object of JavaScript has', () => {
  const named = { constructor: text({ default: 'd' }), toString: text() };
  const schema: JsonSchema = { type: 'object', properties: named, required: ['constructor', 'toString'] };
  const object = {};
  applyDefaults(schema, object);
  assert.deepEqual(Object.entries(object), [['constructor', 'd']]);
  assert.deepEqual(
    valueCauses(schema, object, 'spec').map(({ field, message }) => `${field}: ${message}`),
    ['spec.toString: Required value'],
  );
});
