import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { KINDS } from '@podwire/kube';
import { REQUEST_TYPES, type ResolvedType, schemaOf } from './catalogue.ts';
import type { FieldSchema } from './notation.ts';

const ORACLE = join(import.meta.dirname, '../../../../../shared/data/kubernetes-openapi-v2.json');
const OTHER_TYPES: readonly (readonly [apiVersion: string, kind: string])[] = [
  ...REQUEST_TYPES,
  ['admissionregistration.k8s.io/v1beta1', 'MutatingAdmissionPolicy'],
  ['admissionregistration.k8s.io/v1beta1', 'MutatingAdmissionPolicyBinding'],
  ['admissionregistration.k8s.io/v1alpha1', 'MutatingAdmissionPolicy'],
  ['admissionregistration.k8s.io/v1alpha1', 'MutatingAdmissionPolicyBinding'],
  ['autoscaling/v1', 'HorizontalPodAutoscaler'],
  ['events.k8s.io/v1', 'Event'],
  ['meta/v1', 'DeleteOptions'],
];

interface Property {
  $ref?: string;
  type?: string;
  format?: string;
  items?: Property;
  additionalProperties?: Property;
  'x-kubernetes-list-type'?: string;
  'x-kubernetes-list-map-keys'?: string[];
  'x-kubernetes-patch-strategy'?: string;
  'x-kubernetes-patch-merge-key'?: string;
  'x-kubernetes-map-type'?: string;
}
interface Definition {
  properties?: Record<string, Property>;
  required?: string[];
}

/** Where the tables differ on purpose. */
const ALLOWED: readonly string[] = [
  // The tables write the three fields of TypeMeta alike for all kinds; only Event requires metadata.
  'io.k8s.api.core.v1.Event.metadata: required differs',
  // Of a text, a list type says nothing.
  'io.k8s.kube-aggregator.pkg.apis.apiregistration.v1.APIServiceSpec.caBundle:   / , not atomic  / ',
];

const SCALAR_OF: Readonly<Record<string, string>> = {
  Time: 'time',
  MicroTime: 'microtime',
  Quantity: 'quantity',
  IntOrString: 'intOrString',
  FieldsV1: 'object',
  RawExtension: 'object',
  // Of JSON schemas: a schema or something else in its place.
  JSON: 'any',
  JSONSchemaPropsOrArray: 'any',
  JSONSchemaPropsOrBool: 'any',
  JSONSchemaPropsOrStringArray: 'any',
  CustomResourceSubresourceStatus: 'object',
};

function typeText(property: Property): string {
  if (property.type === 'array') return `${typeText(property.items ?? {})}[]`;
  // The notation has no map of lists.
  if (property.additionalProperties?.type === 'array') return 'any{}';
  if (property.additionalProperties) return `${typeText(property.additionalProperties)}{}`;
  const name = property.$ref?.split('.').at(-1);
  if (name) return SCALAR_OF[name] ?? name;
  if (property.type === 'integer') return property.format ?? 'integer';
  if (property.format === 'byte') return 'bytes';
  return property.type === 'boolean' ? 'bool' : (property.type ?? 'any');
}

function fieldText(field: FieldSchema): string {
  return field.type + { one: '', list: '[]', map: '{}' }[field.shape];
}

function mergeText(property: Property): string {
  const keys = property['x-kubernetes-list-map-keys']?.join();
  const patch = [property['x-kubernetes-patch-strategy'], property['x-kubernetes-patch-merge-key']].join('/');
  // Granular is what a map without the extension is.
  const mapType = property['x-kubernetes-map-type']?.replace('granular', '');
  return [property['x-kubernetes-list-type'], keys, patch, mapType].map((part) => part ?? '').join(' ');
}

function ownMergeText({ list, patch, atomicMap }: FieldSchema): string {
  const text = [patch?.strategy, patch?.mergeKey].join('/');
  return [list?.type, list?.type === 'map' ? list.keys.join() : '', text, atomicMap ? 'atomic' : '']
    .map((part) => part ?? '')
    .join(' ');
}

function compare(
  type: ResolvedType,
  definitions: Record<string, Definition>,
  seen: Set<string>,
  problems: string[],
): void {
  if (seen.has(type.qualifiedName)) return;
  seen.add(type.qualifiedName);
  const definition = definitions[type.qualifiedName];
  if (!definition) {
    problems.push(`${type.qualifiedName}: not in the reference`);
    return;
  }
  const reference = definition.properties ?? {};
  for (const name of Object.keys(reference)) {
    if (!type.fields.has(name)) problems.push(`${type.qualifiedName}.${name}: missing in the table`);
  }
  for (const field of type.fields.values()) {
    const at = `${type.qualifiedName}.${field.name}`;
    const property = reference[field.name];
    if (!property) problems.push(`${at}: not in the reference`);
    else if (typeText(property) !== fieldText(field))
      problems.push(`${at}: ${fieldText(field)}, not ${typeText(property)}`);
    else if (mergeText(property) !== ownMergeText(field))
      problems.push(`${at}: ${ownMergeText(field)}, not ${mergeText(property)}`);
    if (field.required !== (definition.required?.includes(field.name) ?? false))
      problems.push(`${at}: required differs`);
    const below = type.typeOf(field);
    if (below) compare(below, definitions, seen, problems);
  }
}

const skip = existsSync(ORACLE) ? false : 'probe shared-data: ../shared/data/kubernetes-openapi-v2.json is absent';

test('every kind has a table', () => {
  for (const { apiVersion, kind } of KINDS) assert.ok(schemaOf(apiVersion, kind), `${apiVersion} ${kind}`);
});

test('tables and the Kubernetes OpenAPI document name the same fields, types and merge rules', { skip }, () => {
  const { definitions } = JSON.parse(readFileSync(ORACLE, 'utf8')) as { definitions: Record<string, Definition> };
  const seen = new Set<string>();
  const problems: string[] = [];
  // Elsewhere the multi-cluster kinds are custom resources, which the document leaves out.
  const kinds = KINDS.filter(({ group }) => group !== 'multicluster.x-k8s.io');
  const roots = [...kinds.map(({ apiVersion, kind }) => [apiVersion, kind] as const), ...OTHER_TYPES];
  for (const [apiVersion, kind] of roots) {
    const type = schemaOf(apiVersion, kind);
    assert.ok(type, `${apiVersion} ${kind}`);
    compare(type, definitions, seen, problems);
  }
  assert.ok(seen.size > 230, `only ${seen.size} types were compared`);
  assert.deepEqual(problems, ALLOWED);
});
