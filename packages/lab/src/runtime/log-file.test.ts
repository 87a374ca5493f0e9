import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, renameSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { PassThrough } from 'node:stream';
import { type TestContext, test } from 'node:test';
import { LogFile, READER_BYTES, type ReadOptions } from './log-file.ts';

function open(t: TestContext, maxBytes?: number): { log: LogFile; directory: string } {
  const directory = mkdtempSync(path.join(tmpdir(), 'podwire-log-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const now = () => new Date('2026-01-02T03:04:05.678Z');
  return {
    directory,
    log: new LogFile({ path: path.join(directory, 'a.log'), now, ...(maxBytes ? { maxBytes } : {}) }),
  };
}

async function read(log: LogFile, options: ReadOptions = {}): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of log.read(options)) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

test('lines come back as written, in any pieces', async (t) => {
  const { log } = open(t);
  for (const piece of ['on', 'e\ntw', 'o\n', 'Grüße ✓\n']) log.write('stdout', piece);
  log.write('stderr', 'unfinished');
  assert.equal(await read(log), 'one\ntwo\nGrüße ✓\n');
  log.close();
  assert.equal(await read(log), 'one\ntwo\nGrüße ✓\nunfinished\n');
  assert.equal(
    await read(log, { tailLines: 2, timestamps: true }),
    '2026-01-02T03:04:05.678Z Grüße ✓\n2026-01-02T03:04:05.678Z unfinished\n',
  );
  assert.equal(await read(log, { since: new Date('2026-01-02T03:04:06Z') }), '');
  assert.equal(await read(log, { limitBytes: 5 }), 'one\nt');
  assert.equal(await read(log, { tailLines: 0 }), '');
});

test('a line longer than a piece is one line', async (t) => {
  const { log } = open(t);
  const long = 'x'.repeat(40_000);
  log.write('stdout', `${long}\n`);
  log.write('stdout', 'x'.repeat(40_000));
  log.write('stdout', '\nend\n');
  assert.equal(await read(log), `${long}\n${long}\nend\n`);
});

test('the log is bounded, and private', async (t) => {
  const { log, directory } = open(t, 1000);
  for (let i = 0; i < 100; i++) log.write('stdout', `line ${i}\n`);
  assert.deepEqual(readdirSync(directory).sort(), ['a.log', 'a.log.1']);
  for (const file of readdirSync(directory)) {
    const { size, mode } = statSync(path.join(directory, file));
    assert.ok(size <= 1000);
    assert.equal(mode & 0o777, 0o600);
  }
  assert.match(await read(log), /line 98\nline 99\n$/);
});

test('a follower gets everything once and ends with the run', async (t) => {
  const { log } = open(t);
  log.write('stdout', 'before\n');
  const followed = read(log, { follow: true, tailLines: 1 });
  log.write('stderr', 'after\n');
  log.close();
  assert.equal(await followed, 'before\nafter\n');
});

test('a full disk drops lines and says so once; the writer lives, followers still see them', async (t) => {
  const directory = mkdtempSync(path.join(tmpdir(), 'podwire-log-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = path.join(directory, 'a.log');
  const errors: string[] = [];
  const log = new LogFile({
    path: file,
    onDropped: (error) => errors.push((error as NodeJS.ErrnoException).code ?? ''),
  });
  const followed: string[] = [];
  const out = log.read({ follow: true, limitBytes: 100 }).on('data', (chunk) => followed.push(String(chunk)));
  symlinkSync('/dev/full', file); // after read(): it never ends
  for (const line of ['one\n', 'two\n']) log.write('stdout', line);
  assert.deepEqual(errors, ['ENOSPC']);
  rmSync(file);
  log.write('stdout', 'three\n');
  symlinkSync('/dev/full', `${file}.new`);
  renameSync(`${file}.new`, file);
  log.write('stdout', 'four\n');
  assert.deepEqual(errors, ['ENOSPC', 'ENOSPC']);
  log.close();
  await once(out, 'end');
  assert.equal(followed.join(''), 'one\ntwo\nthree\nfour\n');
});

test('a follower that does not read is let go, with what it was sent before', async (t) => {
  const { log } = open(t);
  const line = `${'x'.repeat(999_999)}\n`;
  for (let i = 0; i < 3; i++) log.write('stdout', line);
  const stuck = log.read({ follow: true });
  const quick = log.read({ follow: true, tailLines: 0 });
  let seen = 0;
  quick.on('data', (chunk) => (seen += chunk.length));
  for (let i = 0; i < 30; i++) {
    log.write('stdout', line);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const held = (stuck as PassThrough).writableLength;
  assert.ok(held < READER_BYTES + 4_100_000, `${held} bytes are held for it`);
  assert.ok((stuck as PassThrough).writableEnded);
  assert.equal(seen, 30_000_000);
  assert.ok(!(quick as PassThrough).writableEnded);
  log.close();
});
