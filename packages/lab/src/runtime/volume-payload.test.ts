import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { writePayload } from './volume-payload.ts';

test('files are replaced all at once; what is gone from the payload goes', (t) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'podwire-payload-'));
  t.after(() => fs.rmSync(directory, { recursive: true }));
  const file = (data: string, mode = 0o644) => ({ data, mode });
  const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  const read = (name: string): string => fs.readFileSync(path.join(directory, name), 'utf8');
  writePayload(
    directory,
    new Map([
      ['a', file('1')],
      ['deep/b', file('2', 0o600)],
    ]),
    owner,
  );
  assert.deepEqual([read('a'), read('deep/b')], ['1', '2']);
  assert.equal(fs.statSync(path.join(directory, 'deep/b')).mode & 0o777, 0o600);
  const before = fs.readlinkSync(path.join(directory, '..data'));
  writePayload(directory, new Map([['a', file('3')]]), owner);
  assert.equal(read('a'), '3');
  assert.notEqual(fs.readlinkSync(path.join(directory, '..data')), before);
  assert.deepEqual(
    fs.readdirSync(directory).filter((name) => !name.startsWith('..')),
    ['a'],
  );
  assert.equal(fs.readdirSync(directory).length, 3);
});

test('a path that leads out of the volume is refused before anything is written; a torn replacement is made good', (t) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'podwire-payload-'));
  t.after(() => fs.rmSync(directory, { recursive: true }));
  const payload = (file: string) => new Map([[file, { data: 'x', mode: 0o644 }]]);
  const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  for (const file of ['../x', '/x', 'a/../../x', '..data', '..data/x', '', 'a//b', './a'])
    assert.throws(() => writePayload(directory, payload(file), owner), { code: 'LAB_VOLUME' }, file);
  assert.deepEqual(fs.readdirSync(directory), []);
  fs.symlinkSync('..lost', path.join(directory, '..data.new'));
  writePayload(directory, payload('a'), owner);
  assert.equal(fs.readFileSync(path.join(directory, 'a'), 'utf8'), 'x');
});
