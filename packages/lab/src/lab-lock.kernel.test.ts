import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { hasCode } from '@podwire/base';
import { lockLab } from './lab-lock.ts';
import { labPaths } from './lab-paths.ts';

const labName = (): string => `k${randomBytes(3).toString('hex')}`;
const HOLD = `const { lockLab } = await import(${JSON.stringify(new URL('./lab-lock.ts', import.meta.url).href)});
try { lockLab(process.argv[1]); console.log('taken'); setInterval(() => {}, 1000); }
catch (error) { console.log(error.code); }`;
const hold = (lab: string) =>
  spawn(process.execPath, ['--input-type=module', '-e', HOLD, lab], { stdio: ['ignore', 'pipe', 'inherit'] });

test('a lock is held once, names its holder, and is given back', () => {
  const lab = labName();
  const lock = lockLab(lab);
  assert.throws(
    () => lockLab(lab),
    (error: Error) => hasCode(error, 'LAB_BUSY') && error.message.includes(`kill ${process.pid}`),
  );
  lock.release();
  assert.equal(existsSync(labPaths(lab).lockFile), false);
  lockLab(lab).release();
});

test('of many processes that want a stale lock one gets it; it is free again when that one is killed', async () => {
  const lab = labName();
  const first = hold(lab);
  await once(first.stdout, 'data');
  first.kill('SIGKILL');
  await once(first, 'exit');
  assert.match(readFileSync(labPaths(lab).lockFile, 'utf8'), new RegExp(`^${first.pid} \\d+\n$`));

  const many = Array.from({ length: 4 }, () => hold(lab));
  const answers = await Promise.all(many.map(async (child) => String((await once(child.stdout, 'data'))[0]).trim()));
  assert.deepEqual(answers.toSorted(), ['LAB_BUSY', 'LAB_BUSY', 'LAB_BUSY', 'taken']);
  const holder = many[answers.indexOf('taken')];
  holder?.kill('SIGKILL');
  if (holder?.exitCode === null && holder.signalCode === null) await once(holder, 'exit');
  lockLab(lab).release();
});

test('a recycled pid does not hold a lock', () => {
  const lab = labName();
  lockLab(lab).release();
  const { lockFile } = labPaths(lab);
  execFileSync('mkdir', ['-p', '/run/podwire']);
  writeFileSync(lockFile, `${process.pid} 1\n`);
  lockLab(lab).release();
  assert.equal(existsSync(lockFile), false);
});
