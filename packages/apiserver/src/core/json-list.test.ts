import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freezeJson } from '@podwire/kube';
import { jsonBytes } from './json-bytes.ts';
import { listResponse } from './json-list.ts';

const configMap = (name: string, bytes: number) =>
  freezeJson({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data: { value: 'x'.repeat(bytes) } });
const KiB = 1024;

test('a list that is taken slowly is whole, however much else is made into bytes meanwhile', () => {
  const items = Array.from({ length: 12 }, (_, i) => configMap(`a${i}`, 50 * KiB));
  const { chunks = [] } = listResponse({ kind: 'ConfigMapList' }, items, jsonBytes);
  let text = '';
  for (const chunk of chunks) {
    text += chunk;
    // Each needs a slab of its own: all that was known before is forgotten.
    if (text.length === chunk.length) for (let i = 0; i < 70; i++) jsonBytes(configMap(`b${i}`, 340 * KiB));
  }
  assert.deepEqual(JSON.parse(text), { kind: 'ConfigMapList', items });
});

test('an item may be longer than what is sent at once, and a list may end with it', () => {
  for (const bytes of [128 * KiB - 100, 128 * KiB, 1000 * KiB]) {
    const items = [configMap('a', bytes), configMap('b', 10), configMap('c', bytes)];
    const { chunks = [] } = listResponse({ kind: 'ConfigMapList' }, items, jsonBytes);
    const text = Array.from(chunks, String).join('');
    assert.deepEqual(JSON.parse(text), { kind: 'ConfigMapList', items });
  }
});

test('lists that are taken at the same time do not share memory', () => {
  const lists = ['a', 'b'].map((name) => Array.from({ length: 9 }, (_, i) => configMap(`${name}${i}`, 50 * KiB)));
  const answers = lists.map((items) =>
    listResponse({ kind: 'ConfigMapList' }, items, jsonBytes).chunks?.[Symbol.iterator](),
  );
  const texts = ['', ''];
  for (let done = 0; done < answers.length; ) {
    done = 0;
    for (const [i, answer] of answers.entries()) {
      const { value } = answer?.next() ?? {};
      if (value) texts[i] += value;
      else done++;
    }
  }
  assert.deepEqual(
    texts.map((text) => JSON.parse(text).items),
    lists,
  );
});
