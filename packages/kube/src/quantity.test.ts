import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isQuantity, quantityValue } from './quantity.ts';

test('quantities by suffix and exponent, and what is none', () => {
  const values = ['4', '3920m', '1.5', '.5', '64Mi', '2k', '1e3', '-1'].map(quantityValue);
  assert.deepEqual(values, [4, 3.92, 1.5, 0.5, 64 * 2 ** 20, 2000, 1000, -1]);
  for (const text of ['', 'four', '1 Gi', '1KiB', '1e']) {
    assert.equal(isQuantity(text), false, text);
    assert.ok(Number.isNaN(quantityValue(text)), text);
  }
});
