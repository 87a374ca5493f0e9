import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { LineSplitter } from './line-splitter.ts';

test('lines arrive whole wherever the bytes are cut', () => {
  const line = fc.string({ unit: fc.constantFrom('a', 'é', '€', '😀', '"') }).filter((text) => text !== '');
  fc.assert(
    fc.property(fc.array(line), fc.infiniteStream(fc.integer({ min: 1, max: 7 })), (lines, sizes) => {
      const bytes = Buffer.from(lines.map((text) => `${text}\n`).join(''));
      const seen: string[] = [];
      const splitter = new LineSplitter((text) => void seen.push(text));
      for (let at = 0; at < bytes.length; ) {
        const size = sizes.next().value ?? 1;
        splitter.push(bytes.subarray(at, at + size));
        at += size;
      }
      assert.deepEqual(seen, lines);
    }),
  );
});

test('a line without end is refused', () => {
  const splitter = new LineSplitter(() => {}, 10);
  splitter.push(Buffer.from('12345'));
  assert.throws(() => splitter.push(Buffer.from('6789012')), RangeError);
});
