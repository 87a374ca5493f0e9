import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { PROBES, type ProbeName, probe } from './probe.ts';

const file = new URL('../../../../tools/kernel-expect.json', import.meta.url);
/** What the kernels of the test runs have: the machine's own, the guest's of `npm run test:vm`, or neither of them yet. */
const expected: Readonly<Record<'host' | 'guest' | 'neither', readonly ProbeName[]>> = JSON.parse(
  readFileSync(file, 'utf8'),
);

/** A test that skips because of a no would never run again unnoticed, so the kernels of the test runs must say yes. */
export function assertExpected(kernel: 'host' | 'guest'): void {
  const refused = expected[kernel].flatMap((name) => {
    const { outcome, reason } = probe(name);
    return outcome === 'yes' ? [] : [`${name}: ${outcome}: ${reason}`];
  });
  assert.deepEqual(refused, [], `tools/kernel-expect.json says that the ${kernel}'s kernel has these`);
}

/** No list names what is no probe, and no probe is in no list. */
export function assertComplete(): void {
  const listed = new Set([...expected.host, ...expected.guest, ...expected.neither]);
  assert.deepEqual([...listed].sort(), [...PROBES].sort(), 'tools/kernel-expect.json and PROBES differ');
}
