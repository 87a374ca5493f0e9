import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freezeJson } from '@podwire/kube';
import { jsonBytes } from './json-bytes.ts';
import { listResponse } from './json-list.ts';

const configMap = (name: string, bytes: number) =>
  freezeJson({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { value: 'x'.repeat(bytes) } });
const KiB = 1024;

test('a list that is taken slowly is whole, however much else is made into bytes meanwhile', async () => {
  const items = Array.from({ length: 12 }, (_, i) => configMap(`a${i}`, 50 * KiB));
  const { stream } = listResponse({ kind: 'ConfigMapList' }, items, jsonBytes);
  if (!stream) assert.fail('no stream');
  let text = '';
  for await (const chunk of stream) {
    text += chunk;
    // Each needs a slab of its own: all that was known before is forgotten.
    if (text.length === chunk.length) for (let i = 0; i < 70; i++) jsonBytes(configMap(`b${i}`, 340 * KiB));
  }
  assert.deepEqual(JSON.parse(text), { kind: 'ConfigMapList', items });
});
