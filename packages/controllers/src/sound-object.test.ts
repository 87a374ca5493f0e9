import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { kindNamed } from '@podwire/kube';
import { READ_TOGETHER, unsoundField } from './sound-object.ts';

const ORACLE = path.join(import.meta.dirname, '../../../../shared/data/kubernetes-openapi-v2.json');
const skip = existsSync(ORACLE) ? false : 'probe shared-data: ../shared/data/kubernetes-openapi-v2.json is absent';

interface Schema {
  readonly $ref?: string;
  readonly type?: string;
  readonly items?: Schema;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly additionalProperties?: Schema;
  readonly 'x-kubernetes-group-version-kind'?: readonly { group: string; version: string; kind: string }[];
}
type Definitions = Readonly<Record<string, Schema>>;

/** A value of this schema with all there may be in it. */
function sample({ $ref, type, items, properties, additionalProperties }: Schema, all: Definitions, depth = 0): unknown {
  if (depth > 14) return undefined;
  if ($ref) return sample(all[$ref.slice('#/definitions/'.length)] ?? {}, all, depth + 1);
  if (items) return [sample(items, all, depth + 1)].filter((item) => item !== undefined);
  if (additionalProperties) return { finalizers: sample(additionalProperties, all, depth + 1) };
  if (!properties) return { string: 'text', integer: 1, boolean: true }[type ?? ''] ?? (type === 'object' ? {} : 'any');
  return Object.fromEntries(
    Object.entries(properties).flatMap(([name, inner]) => {
      const value = sample(inner, all, depth + 1);
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

test('whatever the API allows is sound', { skip }, () => {
  const { definitions } = JSON.parse(readFileSync(ORACLE, 'utf8')) as { definitions: Definitions };
  for (const word of READ_TOGETHER) {
    const { group, version, kind } = kindNamed(word);
    const schema = Object.values(definitions).find((one) =>
      one['x-kubernetes-group-version-kind']?.some(
        (is) => is.group === group && is.version === version && is.kind === kind,
      ),
    );
    assert.ok(schema, word);
    const object = sample(schema, definitions) as object;
    assert.ok(JSON.stringify(object).length > 500, word);
    assert.equal(unsoundField(object), undefined, word);
  }
});

test('the first field of a wrong shape is named', () => {
  const terms = { requiredDuringSchedulingIgnoredDuringExecution: { nodeSelectorTerms: [{ matchExpressions: [] }] } };
  const pod = (spec: unknown, status: unknown = {}, metadata: unknown = {}) => ({ metadata, spec, status });
  assert.equal(unsoundField(pod({ containers: [], affinity: { nodeAffinity: terms } })), undefined);
  assert.equal(unsoundField(pod({ containers: [null] })), 'spec.containers');
  assert.equal(unsoundField(pod({ containers: [{ ports: 5 }] })), 'spec.containers.0.ports');
  assert.equal(unsoundField(pod(null)), 'spec');
  assert.equal(unsoundField(pod({}, 5)), 'status');
  assert.equal(unsoundField(pod({}, { conditions: [{ type: 'Ready', status: 'True' }] })), undefined);
  assert.equal(unsoundField(pod({}, { conditions: {} })), 'status.conditions');
  assert.equal(unsoundField(pod({}, {}, { labels: ['x'] })), 'metadata.labels');
  assert.equal(unsoundField(pod({}, {}, { labels: { finalizers: 'a name as any' } })), undefined);
  assert.equal(unsoundField({ endpoints: null, ports: [{}] }), undefined);
  assert.equal(unsoundField({ endpoints: [{ addresses: ['10.0.0.1'], conditions: { ready: true } }] }), undefined);
});
