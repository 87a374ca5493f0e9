/** setTimeout takes no more (24.8 days) and waits 1 ms instead. */
export const LONGEST_DELAY = 2 ** 31 - 1;

/** Milliseconds a timer can wait for. */
export function clampDelay(ms: number): number {
  return Math.min(Math.max(ms, 0), LONGEST_DELAY);
}

/** Seconds of the API, which may be any 64-bit number, as milliseconds a timer can wait for. */
export function secondsToDelay(seconds: number): number {
  return clampDelay(seconds * 1000);
}
