import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stopInOrder } from './stop-order.ts';

test('a part that fails, at once or later, stops the parts after it all the same', async () => {
  const order: string[] = [];
  const stop = (name: string) => () => void order.push(name);
  const fail = (name: string) => () => {
    order.push(name);
    throw new Error(`${name} broke`);
  };
  const late = async (): Promise<void> => {
    await new Promise((resolve) => setImmediate(resolve));
    order.push('late');
    throw new Error('late broke');
  };
  await stopInOrder([[stop('only')]]);
  await assert.rejects(
    stopInOrder([[fail('a'), stop('b')], [late], [stop('c')]]),
    /^AggregateError: a broke; late broke$/,
  );
  await assert.rejects(stopInOrder([[late], [stop('d')]]), /^Error: late broke$/);
  assert.deepEqual(order, ['only', 'a', 'b', 'late', 'c', 'late', 'd']);
});
