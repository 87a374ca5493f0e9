import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { VirtualClock } from '../virtual-clock.fixture.ts';
import { WorkQueue } from './work-queue.ts';

const key = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ act: fc.constant('add' as const), key }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('later' as const), key, ms: fc.integer({ min: 1, max: 60 }) }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('retry' as const), key }) },
  { weight: 3, arbitrary: fc.record({ act: fc.constant('take' as const) }) },
  { weight: 3, arbitrary: fc.record({ act: fc.constant('done' as const), key }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 40 }) }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** What is known of a queue from outside: which keys are owed, in which order, and which are to come. */
class Ledger {
  readonly clock = new VirtualClock();
  readonly queue = new WorkQueue({ clock: this.clock, limits: { waits: [8, 200] } });
  readonly owed: string[] = [];
  readonly again: string[] = [];
  readonly working = new Set<string>();
  readonly putOff = new Set<string>();

  constructor() {
    const add = this.queue.add.bind(this.queue);
    this.queue.add = (key) => {
      this.putOff.delete(key);
      const list = this.working.has(key) ? this.again : this.owed;
      if (!list.includes(key)) list.push(key);
      add(key);
    };
  }

  async go(one: Step): Promise<void> {
    if (one.act === 'pass') await this.clock.advance(one.ms);
    else if (one.act === 'take') await this.#take();
    else if (one.act === 'done') this.#done(one.key);
    else if (one.act === 'add') this.#add(one.key);
    else {
      this.putOff.add(one.key);
      if (one.act === 'retry') this.queue.addRateLimited(one.key);
      else this.queue.addAfter(one.key, one.ms);
    }
  }

  /** Everything that is owed comes. */
  async finish(): Promise<void> {
    await this.clock.advance(1000);
    while (this.working.size > 0 || this.queue.depth > 0) {
      for (const key of this.working) this.#done(key);
      await this.#take();
    }
    assert.deepEqual([this.owed, this.again, [...this.putOff]], [[], [], []]);
  }

  /** What is put off comes nevertheless. */
  #add(key: string): void {
    const isPutOff = this.putOff.has(key);
    this.queue.add(key);
    if (isPutOff) this.putOff.add(key);
  }

  async #take(): Promise<void> {
    assert.equal(this.queue.depth, this.owed.length);
    if (this.queue.depth === 0) return;
    const key = await this.queue.get();
    assert.equal(key, this.owed.shift());
    assert.ok(key !== undefined && !this.working.has(key), 'in work twice');
    this.working.add(key);
  }

  #done(key: string): void {
    this.queue.done(key);
    if (!this.working.delete(key)) return;
    const at = this.again.indexOf(key);
    if (at >= 0) this.owed.push(...this.again.splice(at, 1));
  }
}

test('whatever happens, no key is lost, none is in work twice, and they come in the order of first adds', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const ledger = new Ledger();
      for (const one of steps) await ledger.go(one);
      await ledger.finish();
    }),
    { numRuns: 60 },
  );
});
