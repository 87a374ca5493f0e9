import assert from 'node:assert/strict';
import test from 'node:test';
import { fuzzDecoder } from '../fuzz.ts';
import { withNetns } from '../testing.ts';
import { assertRoundTrip, COMMON_LINES, decode, dumpAll, ipBatch } from './round-trip.fixture.ts';

test('what the kernel tells survives decoding and encoding, and damage to it is a DecodeError', async () => {
  await withNetns(1, (netns) => {
    ipBatch(netns, COMMON_LINES);
    const messages = dumpAll(netns);
    for (const message of messages) assertRoundTrip(message);
    const types = [...new Set(messages.map(({ type }) => type))].sort((a, b) => a - b);
    assert.deepEqual(types, [16, 20, 24, 28, 32, 64, 80, 104]);
    for (const type of types) {
      const samples = messages.filter((m) => m.type === type).map(({ body }) => body);
      fuzzDecoder((body) => decode({ type, body }), { samples, runs: 300 });
    }
  });
});
