import assert from 'node:assert/strict';
import test from 'node:test';
import { AttributeWriter } from './attribute-writer.ts';

test('nothing is lost when the buffer grows, whatever makes it grow', () => {
  for (let capacity = 1; capacity < 64; capacity++) {
    const write = (out: AttributeWriter) =>
      out
        .text(1, 'name')
        .u8(2, 7)
        .u32(3, 8)
        .u64(4, 9)
        .nest(5, () => out.u8(6, 255))
        .take();
    assert.deepEqual(write(new AttributeWriter(capacity)), write(new AttributeWriter(512)), `capacity ${capacity}`);
  }
});
