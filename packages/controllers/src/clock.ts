/** The time a controller lives by; a test may give it another one than the machine's. */
export interface Clock {
  /** In ms since the epoch. */
  now(): number;
  /** Calls once when so many ms have passed; the function returned calls it off. */
  after(ms: number, act: () => void): () => void;
}

/** Timers of Node hold 31 bits of ms. Whoever is called early looks and waits again. */
const LONGEST_WAIT = 2 ** 31 - 1;

export const systemClock: Clock = {
  now: () => Date.now(),
  after: (ms, act) => {
    const timer = setTimeout(act, Math.min(Math.max(ms, 0), LONGEST_WAIT)).unref();
    return () => clearTimeout(timer);
  },
};

/** RFC 3339 in whole seconds, as metav1.Time. */
export function timestamp(ms: number): string {
  return new Date(ms).toISOString().replace(/\.\d+/, '');
}

/** In ms; undefined: not given. */
export function timeOf(text: string | undefined | null): number | undefined {
  const ms = Date.parse(text ?? '');
  return Number.isNaN(ms) ? undefined : ms;
}
