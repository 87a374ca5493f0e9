import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { releaseProgramPages, untouchedMappings } from './program-pages.ts';

const entry = (line: string, { anonymous = 0, dirty = 0, swap = 0 } = {}): string =>
  `${line}\nSize:   64 kB\nRss:    64 kB\nPrivate_Dirty:   ${dirty} kB\nAnonymous:   ${anonymous} kB\nSwap:   ${swap} kB\nVmFlags: rd mr\n`;

test('mappings of the program alone that nobody has written to', () => {
  const smaps = [
    entry('00400000-00410000 r--p 00000000 fe:00 1234                       /opt/a node'),
    entry('00410000-00510000 r-xp 00010000 fe:00 1234                       /opt/a node'),
    entry('00510000-00520000 r--p 00110000 fe:00 1234                       /opt/a node', { anonymous: 4 }),
    entry('00520000-00530000 r--p 00120000 fe:00 1234                       /opt/a node', { dirty: 4 }),
    entry('00530000-00540000 r--p 00130000 fe:00 1234                       /opt/a node', { swap: 4 }),
    entry('00540000-00550000 rw-p 00140000 fe:00 1234                       /opt/a node'),
    entry('00550000-00560000 r--s 00150000 fe:00 1234                       /opt/a node'),
    entry('7f0000000000-7f0000010000 r-xp 00000000 fe:00 99                 /lib/libc.so.6'),
    entry('7ffd00000000-7ffd00002000 r-xp 00000000 00:00 0                  [vdso]'),
  ].join('');
  assert.deepEqual(untouchedMappings(smaps, '/opt/a node'), [
    { start: 0x400000, end: 0x410000 },
    { start: 0x410000, end: 0x510000 },
  ]);
  assert.deepEqual(untouchedMappings('', '/opt/a node'), []);
});

test('the program goes on without its pages, and has fewer', () => {
  const ofFile = (): number => Number(/^RssFile:\s+(\d+)/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
  const before = ofFile();
  releaseProgramPages();
  const after = ofFile();
  assert.ok(after < before, `${after} kB of files, ${before} kB before`);
  assert.equal(new Intl.NumberFormat('de').format(1234.5), '1.234,5');
  assert.equal(JSON.parse(JSON.stringify([...'abc'.matchAll(/[a-z]/g)].map(([one]) => one))).length, 3);
});
