import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KINDS } from '@podwire/kube';
import { textOf, wireFields } from '../protobuf/wire.ts';
import { selfDocuments } from './documents.ts';

interface Definition {
  readonly type?: string;
  readonly format?: string;
  readonly $ref?: string;
  readonly items?: Definition;
  readonly properties?: Readonly<Record<string, Definition>>;
  readonly 'x-kubernetes-group-version-kind'?: readonly object[];
}

const answer = (accept: string) => selfDocuments(KINDS).get('/openapi/v2')?.(accept);
const { definitions, paths } = JSON.parse(String(answer('application/json')?.body)) as {
  definitions: Readonly<Record<string, Definition>>;
  paths: Readonly<Record<string, Record<string, { parameters: readonly { name: string }[] }>>>;
};

test('every kind is defined, and every reference leads to a definition', () => {
  const kinds = Object.values(definitions).flatMap((one) => one['x-kubernetes-group-version-kind'] ?? []);
  for (const { group, version, kind } of KINDS)
    assert.ok(
      kinds.some((one) => JSON.stringify(one) === JSON.stringify({ group, version, kind })),
      kind,
    );
  const references = [...JSON.stringify(definitions).matchAll(/"\$ref":"#\/definitions\/([^"]+)"/g)];
  assert.ok(references.length > 500);
  for (const [, name = ''] of references) assert.ok(definitions[name], name);
  for (const [name, { properties = {} }] of Object.entries(definitions)) {
    for (const [field, schema] of Object.entries(properties)) {
      const unknown = ['oneOf', 'allOf', 'anyOf', 'nullable'].filter((word) => word in schema);
      assert.deepEqual(unknown, [], `${name} ${field}`);
    }
  }
});

test('scalars that may be of two types are named, with the one type version 2 has', () => {
  const port = definitions['io.k8s.api.core.v1.ServicePort']?.properties?.targetPort;
  assert.deepEqual(port, { $ref: '#/definitions/io.k8s.apimachinery.pkg.util.intstr.IntOrString' });
  assert.deepEqual(definitions['io.k8s.apimachinery.pkg.util.intstr.IntOrString'], {
    type: 'string',
    format: 'int-or-string',
  });
  const patch = paths['/apis/apps/v1/namespaces/{namespace}/deployments/{name}']?.patch;
  assert.deepEqual(
    patch?.parameters.map(({ name }) => name),
    ['dryRun', 'fieldManager', 'fieldValidation'],
  );
});

test('as protobuf it has the same definitions', () => {
  const { headers, body } = answer('application/com.github.proto-openapi.spec.v2@v1.0+protobuf') ?? {};
  assert.equal(headers?.['content-type'], 'application/com.github.proto-openapi.spec.v2.v1.0+protobuf');
  const all = fieldsOf(body as Buffer);
  assert.equal(textOf(all.get(1)?.[0] ?? Buffer.alloc(0)), '2.0');
  const named = fieldsOf(all.get(9)?.[0] ?? Buffer.alloc(0)).get(1) ?? [];
  const names = named.map((one) => textOf(fieldsOf(one).get(1)?.[0] ?? Buffer.alloc(0)));
  assert.deepEqual(names, Object.keys(definitions));
});

/** The fields of a message that hold bytes, by their number. */
function fieldsOf(message: Buffer): ReadonlyMap<number, readonly Buffer[]> {
  const fields = new Map<number, Buffer[]>();
  for (const wire of wireFields(message)) {
    if (wire.wireType === 'bytes') fields.set(wire.number, [...(fields.get(wire.number) ?? []), wire.value]);
  }
  return fields;
}
