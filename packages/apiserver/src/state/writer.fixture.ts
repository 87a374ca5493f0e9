// Writes as fast as it can and prints each write when it is acknowledged, until it is killed. What a key holds after its
// n-th write is known: n in all of its fields, or nothing when n ends in 4.
import { writeSync } from 'node:fs';
import { isRemoval, KEYS, numbered, PAIRS } from './numbered-writes.fixture.ts';
import { openPlace, type Place } from './place.fixture.ts';

const store = await openPlace(JSON.parse(process.argv[2] ?? '') as Place);
writeSync(1, '\n');

async function write(name: string, n: number): Promise<void> {
  const object = numbered(name, n);
  const written = await (isRemoval(n) ? store.remove('ConfigMap', object) : store.put('ConfigMap', object));
  // At once, before anything else can happen.
  writeSync(1, `${name} ${n} ${written.metadata.resourceVersion}\n`);
}

function next(name: string): number {
  const found = store.get('ConfigMap', `default/${name}`)?.data as { n: string } | undefined;
  // After a removal nothing says where it was; the starter does.
  return Math.max(Number(found?.n ?? 0), Number(process.env[`AFTER_${name}`] ?? 0)) + 1;
}

async function repeat(names: readonly string[]): Promise<never> {
  for (let n = Math.max(...names.map(next)); ; n++) {
    // The keys of a pair are written in one tick, so that one commit has both.
    await Promise.all(names.map((name) => write(name, n))).catch((error) => process.stderr.write(`${error.message}\n`));
  }
}

for (const name of KEYS) void repeat([name]);
for (const pair of PAIRS) void repeat(pair);
