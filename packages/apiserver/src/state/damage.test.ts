import assert from 'node:assert/strict';
import { cp, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { Store } from '../core/store.ts';
import { numbered, numberOf } from './numbered-writes.fixture.ts';

async function scratch(t: TestContext): Promise<string> {
  const directory = await mkdtemp(path.join(tmpdir(), 'podwire-damage-'));
  t.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

async function newest(directory: string, type: 'log' | 'snapshot'): Promise<string> {
  const names = (await readdir(directory)).filter((name) => name.startsWith(`${type}.`)).sort();
  return path.join(directory, names.at(-1) ?? assert.fail(`there is no ${type}`));
}

const put = (store: Store, name: string, n: number) => store.put('ConfigMap', numbered(name, n));
const names = (store: Store) => store.list('ConfigMap').map(({ metadata }) => metadata.name);

/** Logs of `ahead` writes, and of one more, of two objects at once. */
async function written(t: TestContext, ahead: number) {
  const directory = await scratch(t);
  const store = await Store.open({ directory });
  for (let i = 0; i < ahead; i++) await put(store, `a${i}`, 1);
  const log = await newest(directory, 'log');
  const before = (await readFile(log)).length;
  await Promise.all([put(store, 'y', 1), put(store, 'z', 1)]);
  const whole = await readFile(log);
  await store.close();
  return { directory, log, before, whole };
}

test('a log cut anywhere in its last write loses that write only, and all of it', async (t) => {
  const { directory, log, before, whole } = await written(t, 2);
  // Bytes far from both ends are alike.
  const isNearEnd = (length: number) => length < before + 40 || length > whole.length - 40;
  for (let length = before; length <= whole.length; length += isNearEnd(length) ? 1 : 7) {
    await truncate(log, length);
    const store = await Store.open({ directory });
    const isWhole = length === whole.length;
    assert.deepEqual(names(store), isWhole ? ['a0', 'a1', 'y', 'z'] : ['a0', 'a1'], `cut at ${length}`);
    assert.equal(store.recovered?.tornBytes, isWhole ? 0 : length - before);
    await store.close();
    await writeFile(log, whole);
  }
});

test('a last write of which blocks are missing is cut off, as a crash of the machine leaves it', async (t) => {
  const { directory, log, before, whole } = await written(t, 2);
  for (let hole = before; hole < whole.length; hole += 37) {
    const torn = Buffer.from(whole);
    torn.fill(0, hole, Math.min(hole + 64, whole.length));
    await writeFile(log, torn);
    const store = await Store.open({ directory });
    assert.deepEqual([names(store), store.recovered?.tornBytes], [['a0', 'a1'], whole.length - before], `at ${hole}`);
    await put(store, 'after', 1);
    await store.close();
    const again = await Store.open({ directory });
    assert.deepEqual(names(again), ['a0', 'a1', 'after']);
    await again.close();
  }
});

test('a changed byte anywhere before the last write is refused, and the file stays as it is', async (t) => {
  const { directory, log, before, whole } = await written(t, 2);
  for (let at = 0; at < before; at += 7) {
    const damaged = Buffer.from(whole);
    damaged[at] = (damaged[at] ?? 0) ^ 0x10;
    await writeFile(log, damaged);
    const refused = { code: 'APISERVER_STATE_DAMAGED', message: /cannot read .*log\.0{10}: what is at byte \d+ fails/ };
    await assert.rejects(Store.open({ directory }), refused, `byte ${at}`);
    assert.deepEqual(await readFile(log), damaged);
  }
});

test('a log that is not the last may not end early, and a snapshot nowhere', async (t) => {
  const directory = await scratch(t);
  const store = await Store.open({ directory, rotateBytes: 2000 });
  for (let i = 0; i < 20; i++) await put(store, `n${i % 3}`, i);
  await store.close();
  const copy = await scratch(t);
  await cp(directory, copy, { recursive: true });
  const snapshot = await newest(copy, 'snapshot');
  await truncate(snapshot, (await readFile(snapshot)).length - 1);
  await assert.rejects(Store.open({ directory: copy }), { code: 'APISERVER_STATE_DAMAGED' });
  const log = await newest(directory, 'log');
  const next = log.replace(/\d{10}$/, (digits) => String(Number(digits) + 1).padStart(10, '0'));
  await writeFile(next, '');
  const bytes = await readFile(log);
  await writeFile(log, Buffer.concat([bytes, Buffer.from([9, 0, 0])]));
  await assert.rejects(Store.open({ directory }), { code: 'APISERVER_STATE_DAMAGED' });
  await writeFile(log, bytes);
  const reopened = await Store.open({ directory });
  assert.equal(numberOf(reopened, 'n1'), 19);
  await reopened.close();
});
