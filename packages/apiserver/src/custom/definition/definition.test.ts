import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { kindNamed } from '@podwire/kube';
import type { ApiObject } from '../../seam.ts';
import { CustomApi, type WidgetOptions, widgetDefinition } from '../custom-api.fixture.ts';
import { approvalCondition, approvalOf } from './api-approval.ts';
import { compareVersions } from './version-order.ts';

const AT = 'spec.validation.openAPIV3Schema';

let api: CustomApi;
before(async () => {
  api = await CustomApi.open();
});
after(() => api.close());

/** What is wrong with a schema of spec, without the place where schemas are. */
async function faults(spec: object, options?: WidgetOptions): Promise<string[]> {
  const causes = await api.definitionRefusal(widgetDefinition({ properties: { spec } }, options));
  return causes.map((one) => one.replace(`${AT}.properties[spec].`, ''));
}

const rules = (...all: (string | object)[]) => ({
  'x-kubernetes-validations': all.map((rule) => (typeof rule === 'string' ? { rule } : rule)),
});

test('schemas that are not structural are refused', async () => {
  const cases: readonly (readonly [schema: object, fault: string])[] = [
    [{}, 'type: Required value: must not be empty for specified object fields'],
    [
      { type: 'text' },
      'type: Unsupported value: "text": supported values: "array", "boolean", "integer", "number", "object", "string"',
    ],
    [{ type: 'array' }, 'items: Required value: must be specified'],
    [
      { type: 'array', items: [{ type: 'string' }] },
      'items: Forbidden: items must be a schema object and not an array',
    ],
    [{ type: 'array', items: {} }, 'items.type: Required value: must not be empty for specified array items'],
    [{ type: 'object', $ref: '#/definitions/x' }, '$ref: Forbidden: $ref is not supported'],
    [
      { type: 'object', patternProperties: { a: { type: 'string' } } },
      'patternProperties: Forbidden: patternProperties is not supported',
    ],
    [
      { type: 'object', additionalProperties: false },
      'additionalProperties: Forbidden: additionalProperties cannot be set to false',
    ],
    [
      { type: 'object', properties: { a: { type: 'string' } }, additionalProperties: true },
      'additionalProperties: Forbidden: additionalProperties and properties are mutual exclusive',
    ],
    [
      { type: 'array', items: { type: 'string' }, uniqueItems: true },
      'uniqueItems: Forbidden: uniqueItems cannot be set to true since the runtime complexity becomes quadratic',
    ],
    [
      { type: 'string', pattern: '(' },
      `pattern: Invalid value: "(": must be a valid regular expression, but isn't: missing closing )`,
    ],
    [{ type: 'string', anyOf: [{ type: 'string' }] }, 'anyOf[0].type: Forbidden: must be empty to be structural'],
    [
      { type: 'object', anyOf: [{ required: ['a'], properties: { a: { minLength: 1 } } }] },
      'properties[a]: Required value: because it is defined in spec.validation.openAPIV3Schema.properties[spec].anyOf[0].properties[a]',
    ],
    [
      { type: 'array', items: { type: 'object' }, 'x-kubernetes-list-type': 'map' },
      'x-kubernetes-list-map-keys: Required value: must not be empty if x-kubernetes-list-type is map',
    ],
    [
      { type: 'integer', default: 'x' },
      'default: Invalid value: "x": Invalid value: "string": default in body must be of type integer: "string"',
    ],
    [
      { type: 'object', properties: { a: { type: 'string', minLength: '1' } } },
      'json: cannot unmarshal string into Go struct field',
    ],
  ];
  for (const [schema, fault] of cases) {
    const found = await faults(schema);
    assert.ok(
      found.some((one) => one.includes(fault)),
      `${JSON.stringify(schema)}: ${found.join('\n')}`,
    );
  }
});

test('versions, names and columns of a definition are checked', async () => {
  const named = widgetDefinition({});
  assert.deepEqual(await api.definitionRefusal({ ...named, metadata: { name: 'x' } }), [
    'metadata.name: Invalid value: "x": must be spec.names.plural+"."+spec.group',
  ]);
  const version = (more: object) => api.definitionRefusal(widgetDefinition({}, { version: more }));
  assert.deepEqual(await version({ storage: false }), [
    'spec.versions: Invalid value: ["v1"]: must have exactly one version marked as storage version',
  ]);
  assert.deepEqual(await version({ schema: undefined }), [
    'spec.versions[0].schema.openAPIV3Schema: Required value: schemas are required',
  ]);
  assert.deepEqual(await version({ additionalPrinterColumns: [{ name: 'a', type: 'text', jsonPath: 'x' }] }), [
    'spec.versions[0].additionalPrinterColumns[0].type: Invalid value: "text": must be one of boolean,date,integer,number,string',
    'spec.versions[0].additionalPrinterColumns[0].jsonPath: Invalid value: "x": is an invalid jsonpath',
  ]);
  const scale = { specReplicasPath: '.status.a', statusReplicasPath: '.status.a' };
  assert.deepEqual(await version({ subresources: { scale } }), [
    'spec.versions[0].subresources.scale.specReplicasPath: Invalid value: ".status.a": should be a json path under .spec',
  ]);
  assert.deepEqual(await version({ selectableFields: [{ jsonPath: '.spec.none' }] }), [
    'spec.versions[0].selectableFields[0].jsonPath: Invalid value: ".spec.none": is an invalid path: does not refer to a valid field',
  ]);
});

test('groups of Kubernetes are protected', async () => {
  const spec = { group: 'networking.k8s.io' };
  const taken = widgetDefinition({}, { names: { plural: 'ingresses', kind: 'Ingress2' }, spec });
  const metadata = { name: 'ingresses.networking.k8s.io' };
  assert.match(
    (await api.definitionRefusal({ ...taken, metadata })).join(),
    /protected groups must have approval annotation/,
  );
  const annotations = { 'api-approved.kubernetes.io': 'unapproved, a test' };
  await api.define({ ...taken, metadata: { ...metadata, annotations } });
  assert.equal(api.kinds.at('networking.k8s.io/v1', 'ingresses')?.id, 'Ingress');
});

test('rules that do not compile are refused with where they are', async () => {
  const schema = {
    type: 'object',
    properties: {
      a: { type: 'integer' },
      any: { 'x-kubernetes-preserve-unknown-fields': true },
      list: { type: 'array', items: { type: 'object', properties: { x: { type: 'string' } } } },
    },
  };
  const cases: readonly (readonly [rule: string | object, fault: RegExp])[] = [
    ['self.b > 1', /^x-kubernetes-validations\[0\].rule: Invalid value: "self.b > 1": compilation failed: /],
    ['has(self.b)', /compilation failed: No such key: b/],
    ['self.a ==', /compilation failed: /],
    ['self.a + 1', /rule: Invalid value: "self.a \+ 1": cel expression must evaluate to a bool/],
    ['self.any', /rule: Invalid value: "self.any": cel expression must evaluate to a bool/],
    ["self.a == 'x'", /compilation failed: no such overload: int == string/],
    [
      { rule: 'true', messageExpression: '1' },
      /messageExpression: Invalid value: "1": cel expression must evaluate to a string/,
    ],
    [{ rule: 'true', reason: 'Because' }, /reason: Unsupported value: "Because"/],
    [{ rule: 'true', fieldPath: '.nowhere' }, /fieldPath: Invalid value: ".nowhere": fieldPath must be a valid path/],
    [{ rule: '' }, /rule: Required value/],
  ];
  for (const [rule, fault] of cases) assert.match((await faults({ ...schema, ...rules(rule) })).join('\n'), fault);
  const items = { type: 'array', items: { type: 'integer', ...rules('self >= oldSelf') } };
  assert.match(
    (await faults(items)).join(),
    /oldSelf cannot be used on the uncorrelatable portion of the schema within/,
  );
});

test('rules that could take too long are refused', async () => {
  const words = (more: object) => ({
    type: 'object',
    properties: { list: { type: 'array', items: { type: 'string' }, ...more } },
  });
  const twice = rules('self.list.all(a, self.list.all(b, a == b))');
  assert.match(
    (await faults({ ...words({}), ...twice })).join(),
    /rule: Forbidden: estimated rule cost exceeds budget by factor of more than 100x \(try simplifying the rule, or adding maxItems/,
  );
  assert.deepEqual(await faults({ ...words({ maxItems: 1000 }), ...twice }), []);
  const nested = { type: 'array', maxItems: 100, items: { ...words({ maxItems: 1000 }), ...twice } };
  assert.match((await faults(nested)).join(), /exceeds budget by factor of \d+\.\dx/);
});

test('hostile definitions are answered', async () => {
  let deep: object = { type: 'string' };
  for (let i = 0; i < 200; i++) deep = { type: 'object', properties: { a: deep } };
  assert.match((await faults(deep)).join(), /nested deeper than 100 levels/);
  const shapes = [
    { items: 5 },
    { properties: { a: 5 } },
    { items: { properties: 'x' } },
    { items: { anyOf: [1] } },
    { items: { 'x-kubernetes-validations': [null] } },
  ];
  for (const shape of shapes) {
    const causes = await faults({ type: 'array', ...shape });
    assert.notDeepEqual(causes, [], JSON.stringify(shape));
  }
  assert.match((await faults({ type: 'string', pattern: '((a{1000}){1000}){1000}' })).join(), /expression too large/);
  assert.match(
    (await faults({ type: 'integer', ...rules(`${'('.repeat(500)}true${')'.repeat(500)}`) })).join(),
    /compilation failed/,
  );
});

test('what is established may not change', async () => {
  const own = await CustomApi.open();
  try {
    const made = await own.define(widgetDefinition({}));
    const target = { kind: kindNamed('CustomResourceDefinition'), name: 'widgets.example.com' };
    const change = (make: (spec: Record<string, unknown>) => object) =>
      own.registry.change(
        target,
        (old) => ({ ...old, spec: make(old.spec as Record<string, unknown>) }) as ApiObject,
        own.options(),
      );
    await assert.rejects(
      change((spec) => ({ ...spec, scope: 'Cluster' })),
      /spec.scope: Invalid value: "Cluster": field is immutable/,
    );
    const { versions } = made.spec as { versions: object[] };
    const renamed = versions.map((version) => ({ ...version, name: 'v2' }));
    await assert.rejects(
      change((spec) => ({ ...spec, versions: renamed })),
      /v1 was previously a storage version/,
    );
    await change((spec) => ({
      ...spec,
      versions: [
        { ...versions[0], storage: false },
        { ...renamed[0], storage: true },
      ],
    }));
    assert.deepEqual([own.widget().apiVersion, own.widget().otherVersions], ['example.com/v2', ['example.com/v1']]);
  } finally {
    await own.close();
  }
});

test('versions are in the order Kubernetes prefers', () => {
  const order = ['v10', 'v2', 'v1', 'v11beta2', 'v10beta3', 'v3beta1', 'v12alpha1', 'v11alpha2', 'foo1', 'foo10'];
  assert.deepEqual([...order].reverse().sort(compareVersions), order);
});

test('definitions of groups of Kubernetes say who approved them', () => {
  const of = (annotation?: string) => {
    const approval = approvalOf('foo.k8s.io', annotation);
    return approval && approvalCondition(approval);
  };
  const type = 'KubernetesAPIApprovalPolicyConformant';
  const url = 'https://github.com/kubernetes/kubernetes/pull/1';
  assert.deepEqual(of(url), { type, status: 'True', reason: 'ApprovedAnnotation', message: `approved in ${url}` });
  const message = 'not approved: "unapproved, a test"';
  assert.deepEqual(of('unapproved, a test'), { type, status: 'False', reason: 'UnapprovedAnnotation', message });
  assert.deepEqual([of()?.reason, of('yes')?.reason], ['MissingAnnotation', 'InvalidAnnotation']);
  assert.equal(approvalOf('k8s.io.example.com', undefined), undefined);
});
