import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { kindNamed } from '@podwire/kube';
import { ATOMIC_TYPES } from './atomic-types.ts';
import { createSchema } from './index.ts';

const ORACLE = join(import.meta.dirname, '../../../../../shared/data/kubernetes-openapi-v2.json');

test('atomic types are those of the published schema', { skip: !existsSync(ORACLE) && 'no oracle' }, () => {
  const { definitions } = JSON.parse(readFileSync(ORACLE, 'utf8')) as {
    definitions: Record<string, { 'x-kubernetes-map-type'?: string }>;
  };
  const atomic = Object.entries(definitions).filter(([, type]) => type['x-kubernetes-map-type'] === 'atomic');
  assert.deepEqual([...ATOMIC_TYPES].sort(), [...new Set(atomic.map(([name]) => name.split('.').at(-1)))].sort());
});

test('fields of an atomic type are atomic, and so are items of lists', () => {
  const rule = (kind: 'Deployment' | 'Pod', path: string) => createSchema().mergeRule(kindNamed(kind), path.split('.'));
  assert.equal(rule('Deployment', 'spec.selector')?.mapType, 'atomic');
  assert.equal(rule('Deployment', 'spec.template')?.mapType, undefined);
  assert.equal(rule('Pod', 'spec.imagePullSecrets')?.mapType, 'atomic');
});
