import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { trimAllocator } from './allocator.ts';

test('memory that is in use stays, whatever is given back', () => {
  const kept = Array.from({ length: 64 }, (_, i) => Buffer.alloc(10_000, i));
  trimAllocator();
  trimAllocator();
  assert.ok(kept.every((buffer, i) => buffer.every((byte) => byte === i)));
  assert.match(readFileSync('/proc/self/status', 'utf8'), /VmRSS:\s+\d+ kB/);
});
