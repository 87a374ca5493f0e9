import type { ObjectOf } from '@podwire/kube';
import { type Surroundings, unreadyReason } from '@podwire/lab';

type Pod = ObjectOf<'Pod'>;

/** What every pod goes through. */
const PASSING = /^(ContainersNot|no status yet|Terminating|Completed)|: runs, but is not ready$/;
/** What lasts less, in ms, may pass, too: a pod waits for its node's network or for what comes after it in a manifest. */
const LASTING = 2000;

/** What keeps pods from becoming ready, told once and as soon as it looks like lasting. */
export class Hindrances {
  readonly #since = new Map<string, number>();
  readonly #told = new Set<string>();

  /** `now` in ms. The lines that are new. */
  look(now: number, pods: readonly Pod[], surroundings: Surroundings): string[] {
    const lines = new Map(pods.flatMap((pod) => lineOf(pod, unreadyReason(pod, surroundings))));
    for (const key of this.#since.keys()) if (!lines.has(key)) this.#since.delete(key);
    return [...lines].filter(([key]) => this.#isNew(key, now)).map(([, line]) => line);
  }

  #isNew(key: string, now: number): boolean {
    const since = this.#since.get(key) ?? now;
    this.#since.set(key, since);
    if (now - since < LASTING || this.#told.has(key)) return false;
    this.#told.add(key);
    return true;
  }
}

/** With what makes it the same as an earlier one: delays and counts in a reason change, which is no news. */
function lineOf({ metadata }: Pod, reason: string): [key: string, line: string][] {
  const pod = `pod ${metadata?.namespace}/${metadata?.name}: `;
  return PASSING.test(reason) ? [] : [[pod + reason.replace(/\d+/g, '0'), pod + reason]];
}
