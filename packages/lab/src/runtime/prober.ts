import { secondsToDelay } from './delay.ts';
import { callProbe, type ProbePlace } from './probe-call.ts';
import {
  countResult,
  failureCounts,
  freshProbe,
  nextProbeDelay,
  type ProbeKind,
  type ProbeState,
} from './probe-state.ts';
import type { Probe } from './probe-target.ts';

/** What probes tell about their container. */
export interface ProbeListeners {
  /** The startup probe passed, or there is none. */
  started(): void;
  ready(ready: boolean): void;
  /** A failed try, for an event. */
  unhealthy(kind: ProbeKind, message: string): void;
  /** The container has to be restarted. */
  dead(kind: 'startup' | 'liveness'): void;
}

/** Runs the probes of one run of a container. Without a readiness probe it is ready once it has started. */
export class Prober {
  readonly #place: ProbePlace;
  readonly #listeners: ProbeListeners;
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #begun = performance.now();
  #stopped = false;

  constructor(place: ProbePlace, listeners: ProbeListeners) {
    this.#place = place;
    this.#listeners = listeners;
    const { startupProbe } = place.container;
    if (startupProbe) this.#repeat('startup', startupProbe);
    else this.#begin();
  }

  stop(): void {
    this.#stopped = true;
    for (const timer of this.#timers) clearTimeout(timer);
  }

  #begin(): void {
    const { readinessProbe, livenessProbe } = this.#place.container;
    this.#listeners.started();
    if (readinessProbe) this.#repeat('readiness', readinessProbe);
    else this.#listeners.ready(true);
    if (livenessProbe) this.#repeat('liveness', livenessProbe);
  }

  #repeat(kind: ProbeKind, probe: Probe): void {
    const period = secondsToDelay(probe.periodSeconds || 10);
    let [state, tries]: [ProbeState, number] = [freshProbe, 0];
    const attempt = async (): Promise<void> => {
      const { ok, message } = await callProbe(probe, this.#place);
      if (this.#stopped) return;
      tries += 1;
      const sinceStart = performance.now() - this.#begun;
      const before = state.verdict;
      if (ok || failureCounts(kind, sinceStart, before)) {
        state = countResult(state, ok, { success: probe.successThreshold ?? 1, failure: probe.failureThreshold ?? 3 });
        if (!ok) this.#listeners.unhealthy(kind, message);
      }
      if (this.#conclude(kind, before, state.verdict)) return;
      this.#later(attempt, nextProbeDelay({ kind, period, tries, sinceStart, verdict: state.verdict }));
    };
    const initial = secondsToDelay(probe.initialDelaySeconds ?? 0);
    // A liveness probe has nothing to say at the very start.
    this.#later(attempt, kind === 'liveness' ? initial || Math.min(period, 1000) : initial);
  }

  /** Acts on a changed verdict; true when this probe is over. */
  #conclude(kind: ProbeKind, before: boolean | undefined, verdict: boolean | undefined): boolean {
    if (verdict === before || verdict === undefined) return false;
    if (kind === 'readiness') {
      this.#listeners.ready(verdict);
      return false;
    }
    if (verdict && kind === 'startup') this.#begin();
    if (!verdict) this.#listeners.dead(kind);
    return kind === 'startup' || !verdict;
  }

  #later(fn: () => Promise<void>, delay: number): void {
    if (delay <= 0) {
      void fn();
      return;
    }
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      void fn();
    }, delay);
    this.#timers.add(timer);
  }
}
