import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DecodeError } from './errors.ts';

export interface FuzzOptions {
  /** Real messages to start from; mutations of them get deeper than random bytes. */
  readonly samples: readonly Uint8Array[];
  readonly runs?: number;
}

/** Milliseconds of CPU time, for a machine may stand still at any time: longer than any decoder takes for one message. */
const HANG_MS = 1000;

/**
 * For tests: feeds a decoder random bytes and mutated samples (bytes changed, cut out, doubled, cut off). It has to return, or
 * throw a DecodeError whose offset lies within the bytes. fast-check prints the seed of what it finds.
 */
export function fuzzDecoder(decode: (bytes: Buffer) => unknown, { samples, runs = 1000 }: FuzzOptions): void {
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 256 }), mutation(samples)), (bytes) => {
      // twice, for garbage that others left may have been collected the first time
      if (decodingTime(decode, bytes) < HANG_MS) return;
      assert.ok(decodingTime(decode, bytes) < HANG_MS, 'the decoder took too long');
    }),
    { numRuns: runs },
  );
}

function decodingTime(decode: (bytes: Buffer) => unknown, bytes: Uint8Array): number {
  const before = process.cpuUsage();
  try {
    // a copy with nothing behind it, so that reading out of bounds shows
    decode(Buffer.from(Uint8Array.from(bytes).buffer));
  } catch (error) {
    if (!(error instanceof DecodeError)) throw error;
    assert.ok(error.offset >= 0 && error.offset <= bytes.length, `offset ${error.offset} of ${bytes.length} bytes`);
  }
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

function mutation(samples: readonly Uint8Array[]): fc.Arbitrary<Uint8Array> {
  if (samples.length === 0) return fc.uint8Array();
  const edit = fc.record({
    how: fc.constantFrom('set', 'cut', 'double', 'end'),
    at: fc.nat(),
    value: fc.integer({ min: 0, max: 255 }),
  });
  return fc
    .tuple(fc.constantFrom(...samples), fc.array(edit, { minLength: 1, maxLength: 6 }))
    .map(([sample, edits]) => edits.reduce(mutate, sample));
}

function mutate(bytes: Uint8Array, { how, at, value }: { how: string; at: number; value: number }): Uint8Array {
  const place = bytes.length === 0 ? 0 : at % bytes.length;
  const [head, tail] = [bytes.subarray(0, place), bytes.subarray(place)];
  if (how === 'end') return head;
  if (how === 'cut') return Buffer.concat([head, tail.subarray(4)]);
  if (how === 'double') return Buffer.concat([head, tail.subarray(0, 8), tail]);
  return Buffer.concat([head, Buffer.from([value]), tail.subarray(1)]);
}
