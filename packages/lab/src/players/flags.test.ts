import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseDuration, parseFlags } from './flags.ts';

test('flags as Go reads them', () => {
  const known = { port: 'int', udp: 'bool', text: 'string', wait: 'duration' } as const;
  assert.deepEqual(parseFlags(['-text=a=b', '--port', '80', '--udp', 'rest', '--', '--port=1'], known), {
    values: { text: 'a=b', port: '80', udp: 'true' },
    positional: ['rest', '--port=1'],
  });
  assert.equal(parseFlags(['--port=x'], known).error, 'invalid argument "x" for "--port" flag');
  assert.equal(parseFlags(['--port'], known).error, 'flag needs an argument: --port');
  assert.equal(parseFlags(['--__proto__=1', '--toString'], known).error?.startsWith('unknown flag'), true);
  assert.equal(parseFlags(['--wait=5'], known).error, 'invalid argument "5" for "--wait" flag');
});

test('any arguments give a result', () => {
  fc.assert(
    fc.property(fc.array(fc.string()), (args) =>
      Array.isArray(parseFlags(args, { port: 'int', v: 'bool' }).positional),
    ),
  );
});

test('durations', () => {
  assert.deepEqual(['1.5s', '2m30s', '0', '10ms', '1h', '5', 's', ''].map(parseDuration), [
    1500,
    150_000,
    0,
    10,
    3_600_000,
    undefined,
    undefined,
    undefined,
  ]);
});
