export type ProbeKind = 'startup' | 'liveness' | 'readiness';

export interface Thresholds {
  readonly success: number;
  readonly failure: number;
}

/** Consecutive results of one probe and the verdict they gave so far. */
export interface ProbeState {
  readonly verdict: boolean | undefined;
  readonly run: number;
  readonly runOf: boolean | undefined;
}

export const freshProbe: ProbeState = { verdict: undefined, run: 0, runOf: undefined };

/** The state after one more result: the verdict changes when the run of equal results reaches its threshold. */
export function countResult(state: ProbeState, result: boolean, thresholds: Thresholds): ProbeState {
  const run = state.runOf === result ? state.run + 1 : 1;
  const reached = run >= (result ? thresholds.success : thresholds.failure);
  return { verdict: reached ? result : state.verdict, run, runOf: result };
}

/**
 * The wait before the next try, in ms. Before its first success and within the container's first second a readiness or
 * startup probe is tried again soon (5, 10, 20, ... ms), so that a pod is ready when it is, not at the next period.
 */
export function nextProbeDelay(input: {
  kind: ProbeKind;
  period: number;
  tries: number;
  sinceStart: number;
  verdict: boolean | undefined;
}): number {
  const eager = input.kind !== 'liveness' && input.verdict !== true && input.sinceStart < EAGER_FOR;
  return eager ? Math.min(FIRST_RETRY * 2 ** (input.tries - 1), input.period) : input.period;
}

/** Whether a failure counts: the eager tries of the first second do not, they only look whether it is up yet. */
export function failureCounts(kind: ProbeKind, sinceStart: number, verdict: boolean | undefined): boolean {
  return kind === 'liveness' || verdict === true || sinceStart >= EAGER_FOR;
}

const EAGER_FOR = 1000;
const FIRST_RETRY = 5;
