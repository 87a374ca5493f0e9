/** Wait before a restart: none the first time, then 10 s doubling to 5 min (kubelet's MaxContainerBackOff). */
const FIRST = 10_000;
const LONGEST = 300_000;
/** A container that ran this long starts anew. */
const FORGIVEN = 600_000;

export interface Backoff {
  /** The delay that was last taken, 0 for none. */
  readonly delay: number;
}

export const noBackoff: Backoff = { delay: -1 };

/** The state after a container ended that had run for `ranFor` ms; `delay` is how long to wait before the next start. */
export function nextBackoff(previous: Backoff, ranFor: number): Backoff {
  if (previous.delay < 0 || ranFor >= FORGIVEN) return { delay: 0 };
  return { delay: previous.delay === 0 ? FIRST : Math.min(previous.delay * 2, LONGEST) };
}

/** `10s`, `2m40s`: as in "back-off 10s restarting failed container". */
export function formatDelay(ms: number): string {
  const seconds = Math.round(ms / 1000);
  return seconds < 60 ? `${seconds}s` : `${Math.floor(seconds / 60)}m${seconds % 60}s`;
}
