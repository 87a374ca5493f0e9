import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Histogram } from './histogram.ts';

test('a histogram counts what is at most each bound', () => {
  const histogram = new Histogram([1, 2]);
  for (const value of [0.5, 1, 1.5, 7]) histogram.observe(value);
  const samples = histogram.samples('size', { room: 'a' }).map(({ metricName, labels, value }) => {
    const { le } = labels as { readonly le?: string };
    return `${metricName} ${labels.room} ${le} ${value}`;
  });
  assert.deepEqual(samples, [
    'size_bucket a 1 2',
    'size_bucket a 2 3',
    'size_bucket a +Inf 4',
    'size_sum a undefined 10',
    'size_count a undefined 4',
  ]);
});
