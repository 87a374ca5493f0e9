import assert from 'node:assert/strict';
import { test } from 'node:test';
import { statusOf } from '@podwire/kube';
import { YamlBodies } from './yaml-body.ts';

/** Every name is compared with all others. */
const names = (count: number) => Array.from({ length: count }, (_, i) => `k${i}: v${i}`).join('\n');

test('long texts are read elsewhere, with the outcome of short ones', async () => {
  const bodies = new YamlBodies({ inPlace: 100, patience: 300_000 });
  for (const count of [2, 100]) {
    const value = (await bodies.read(names(count))) as Record<string, string>;
    assert.deepEqual([Object.keys(value).length, value.k1], [count, 'v1']);
    const wrong = await bodies.read(`${names(count)}\nk1: again`).catch(statusOf);
    assert.equal((wrong as { code?: number }).code, 400);
    assert.match((wrong as { message?: string }).message ?? '', /error converting YAML to JSON: .*unique/);
  }
});

test('a text that takes too long to read holds up nobody, and is given up', async () => {
  const bodies = new YamlBodies({ patience: 50, waiting: 2 });
  const hostile = names(100_000);
  const answers = [hostile, hostile, hostile].map((text) => bodies.read(text).catch(statusOf));
  assert.equal(((await answers[2]) as { code?: number }).code, 429);
  assert.deepEqual(await bodies.read('a: 1'), { a: 1 });
  for (const answer of answers.slice(0, 2))
    assert.match(((await answer) as { message?: string }).message ?? '', /takes longer than 0.05 s/);
  const again = await bodies.read(hostile).catch(statusOf);
  assert.equal((again as { code?: number }).code, 400);
});
