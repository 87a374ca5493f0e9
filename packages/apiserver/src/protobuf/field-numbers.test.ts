import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { KINDS } from '@podwire/kube';
import { REQUEST_TYPES, type ResolvedType, schemaOf } from '../schema/catalogue.ts';
import type { FieldSchema } from '../schema/notation.ts';
import { type Message, messageOf } from './message.ts';

const ORACLE = join(import.meta.dirname, '../../../../../shared/data/kubernetes-protobuf-fields.json');
const META = 'k8s.io.apimachinery.pkg.apis.meta.v1';
const ROOTS: readonly (readonly [apiVersion: string, kind: string])[] = [
  ...KINDS.map(({ apiVersion, kind }) => [apiVersion, kind] as const),
  ...REQUEST_TYPES,
  ['autoscaling/v1', 'HorizontalPodAutoscaler'],
  ['events.k8s.io/v1', 'Event'],
  ['meta/v1', 'DeleteOptions'],
];

/**
 * Group versions the reference does not have. The numbers of autoscaling/v2 are tried by `kubectl autoscale`, those of
 * certificates.k8s.io by `kubectl certificate`; kinds
 * that are custom resources elsewhere have none.
 */
const NOT_IN_REFERENCE = [
  'apiregistration.k8s.io/v1',
  'certificates.k8s.io/v1',
  'flowcontrol.apiserver.k8s.io/v1',
  'apiextensions.k8s.io/v1',
  'autoscaling/v2',
  'multicluster.x-k8s.io/v1alpha1',
  'node.k8s.io/v1',
];

interface OracleField {
  readonly id: number;
  readonly type: string;
  readonly repeated?: boolean;
}
type Oracle = Readonly<Record<string, Readonly<Record<string, OracleField>>>>;

/** Fields of the schema that have no number. */
const ALLOWED: readonly string[] = [
  // Withdrawn, with its number.
  'io.k8s.api.core.v1.NodeAllocatableResourceClaimStatus.resources: no number',
  // Maps of lists, which no table can write.
  'io.k8s.api.authentication.v1.UserInfo.extra: no number',
  'io.k8s.api.authorization.v1.SubjectAccessReviewSpec.extra: no number',
];

const WIRE_TYPES: Readonly<Record<string, string>> = {
  time: `${META}.Time`,
  microtime: `${META}.MicroTime`,
  object: `${META}.FieldsV1`,
  quantity: 'k8s.io.apimachinery.pkg.api.resource.Quantity',
  intOrString: 'k8s.io.apimachinery.pkg.util.intstr.IntOrString',
};

function qualify(text: string, from: string, oracle: Oracle): string {
  if (text.endsWith('.RawExtension')) return `${META}.FieldsV1`;
  if (text.startsWith('.')) return text.slice(1);
  const near = `${from.slice(0, from.lastIndexOf('.'))}.${text}`;
  return oracle[near] ? near : text;
}

/** The type on the wire of a field, as the reference writes it. */
function wireText(type: ResolvedType, field: FieldSchema): string {
  const below = type.typeOf(field)?.qualifiedName.replace('io.k8s.', 'k8s.io.');
  const one = below ?? WIRE_TYPES[field.type] ?? field.type;
  return field.shape === 'map' ? `map<string, ${one}>` : field.shape === 'list' ? `repeated ${one}` : one;
}

function oracleText({ type, repeated }: OracleField, from: string, oracle: Oracle): string {
  const map = /^map<string, (.+)>$/.exec(type);
  if (map) return `map<string, ${qualify(map[1] ?? '', from, oracle)}>`;
  return `${repeated ? 'repeated ' : ''}${qualify(type, from, oracle)}`;
}

class Comparison {
  readonly #oracle: Oracle;
  readonly seen = new Set<string>();
  readonly problems: string[] = [];

  constructor(oracle: Oracle) {
    this.#oracle = oracle;
  }

  compareType(type: ResolvedType): void {
    if (this.seen.has(type.qualifiedName)) return;
    this.seen.add(type.qualifiedName);
    const numbered = new Set<string>();
    this.#compareMessage(messageOf(type), type.qualifiedName.replace('io.k8s.', 'k8s.io.'), numbered);
    for (const field of type.fields.values()) {
      const inEnvelope = field.name === 'apiVersion' || field.name === 'kind';
      const isRoot = type.fields.has('metadata') || type.name === 'DeleteOptions';
      if (!numbered.has(field.name) && !(inEnvelope && isRoot))
        this.problems.push(`${type.qualifiedName}.${field.name}: no number`);
      const below = type.typeOf(field);
      if (below) this.compareType(below);
    }
  }

  #compareMessage({ type, entries }: Message, name: string, numbered: Set<string>): void {
    const fields = this.#oracle[name];
    if (!fields) this.problems.push(`${name}: not in the reference`);
    const byNumber = new Map(Object.entries(fields ?? {}).map(([key, field]) => [field.id, { ...field, name: key }]));
    for (const [number, entry] of entries) {
      const reference = byNumber.get(number);
      if (!reference) {
        this.problems.push(`${name}: ${number} is not in the reference`);
      } else if ('embedded' in entry) {
        this.#compareMessage(entry.embedded, qualify(reference.type, name, this.#oracle), numbered);
      } else {
        const { field } = entry;
        numbered.add(field.name);
        // Go's JSON names differ in case only: apiGroup is aPIGroup.
        if (reference.name.toLowerCase() !== field.name.toLowerCase())
          this.problems.push(`${name}: ${number} is ${reference.name}, not ${field.name}`);
        const expected = oracleText(reference, name, this.#oracle);
        if (wireText(type, field) !== expected)
          this.problems.push(`${name}.${field.name}: ${wireText(type, field)}, not ${expected}`);
      }
    }
  }
}

const skip = existsSync(ORACLE) ? false : 'probe shared-data: ../shared/data/kubernetes-protobuf-fields.json is absent';

test('numbers, names and types are those of the Kubernetes messages', { skip }, () => {
  const comparison = new Comparison(JSON.parse(readFileSync(ORACLE, 'utf8')) as Oracle);
  for (const [apiVersion, kind] of ROOTS) {
    if (NOT_IN_REFERENCE.includes(apiVersion)) continue;
    const type = schemaOf(apiVersion, kind);
    assert.ok(type, `${apiVersion} ${kind}`);
    comparison.compareType(type);
  }
  assert.ok(comparison.seen.size > 230, `only ${comparison.seen.size} types were compared`);
  assert.deepEqual(comparison.problems, ALLOWED);
});
