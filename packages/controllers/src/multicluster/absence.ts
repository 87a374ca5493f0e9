import type { Clock } from '../clock.ts';

/** As far as its absence goes. */
interface Member {
  readonly name: string;
  /** Whether what is known of it may be old. */
  readonly isAway: boolean;
}

interface AbsenceParts {
  readonly members: readonly Member[];
  readonly clock: Clock;
  /** A cluster counts as lost, or does not any more. */
  readonly onChange: () => void;
}

/** In ms: an API server that is away does not mean that its pods are, at first. */
const LOST_AFTER = 10 * 60_000;
const LOOK_EVERY = 10_000;

/** Notes for how long clusters of the set have been away. */
export class Absence {
  readonly #parts: AbsenceParts;
  /** By name, in ms since the epoch. */
  readonly #since = new Map<string, number>();
  #lost: readonly string[] = [];
  #end: () => void;

  constructor(parts: AbsenceParts) {
    this.#parts = parts;
    this.#end = parts.members.length > 0 ? this.#wait() : () => {};
  }

  stop(): void {
    this.#end();
  }

  /** Names of clusters away for so long that nobody should be sent to their endpoints. */
  get lost(): readonly string[] {
    return this.#lost;
  }

  #wait(): () => void {
    return this.#parts.clock.after(LOOK_EVERY, () => {
      this.#end = this.#wait();
      this.#look();
    });
  }

  #look(): void {
    const { members, clock, onChange } = this.#parts;
    const now = clock.now();
    for (const { name, isAway } of members) {
      if (!isAway) this.#since.delete(name);
      else if (!this.#since.has(name)) this.#since.set(name, now);
    }
    const lost = [...this.#since].flatMap(([name, since]) => (now - since >= LOST_AFTER ? [name] : []));
    const isSame = lost.join() === this.#lost.join();
    this.#lost = lost;
    if (!isSame) onChange();
  }
}
