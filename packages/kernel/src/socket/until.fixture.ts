import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

/** Waits for something that the event loop or the kernel does; fails after two minutes. */
export async function until(condition: () => boolean): Promise<void> {
  for (const end = performance.now() + 120_000; !condition(); ) {
    assert.ok(performance.now() < end, 'waited long enough');
    await sleep(2);
  }
}
