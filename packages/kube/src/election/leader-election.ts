import { PodwireError } from '@podwire/base';
import type { KubeClient, ObjectKey } from '../client.ts';
import { type Clock, systemClock } from '../clock.ts';
import { LeaseLock } from './lease-lock.ts';

export interface ElectionOptions {
  readonly lease: ObjectKey;
  /** Different for every contender, e.g. `<pod name>_<uuid>`. */
  readonly identity: string;
  /**
   * What the leader does; called each time it is elected. The signal is aborted when it is leader no more, or has to stop: it
   * must end then. When it ends by itself the election is over.
   */
  readonly lead: (leadership: Leadership) => Promise<void>;
  /** Stops contending, and leading: the lease is released when `lead` has ended. */
  readonly signal: AbortSignal;
  /** Called whenever another holder is seen. */
  readonly onLeader?: (identity: string) => void;
  /** In ms; others wait so long after the last renewal they saw. Default 15,000. */
  readonly leaseDuration?: number;
  /** In ms; a leader that could not renew for so long is one no more. Default 10,000. */
  readonly renewDeadline?: number;
  /** In ms, between attempts. Default 2,000. */
  readonly retryPeriod?: number;
  readonly clock?: Clock;
}

export interface Leadership {
  readonly signal: AbortSignal;
  /** To be asked before what must not be done twice: false also right after a pause in which the lease ran out. */
  isCertain(): boolean;
}

type Settings = Required<Omit<ElectionOptions, 'onLeader'>> & Pick<ElectionOptions, 'onLeader'>;

/** Contenders wait a little longer than the period by chance, so that they do not come together. */
const JITTER = 1.2;

/**
 * Contends for a Lease and leads while it has it, again and again; resolves when stopped, or when `lead` ended by itself. Failures
 * of the server are waited out. Clocks of contenders may differ in time, not much in speed: leaseDuration must be longer than
 * renewDeadline by more than a pause between looking at the clock and acting.
 *
 *   renewed ──── renewDeadline ───▶ leads no more ── spare ──▶ leaseDuration: another one may lead
 */
export async function runElection(client: KubeClient, options: ElectionOptions): Promise<void> {
  const settings: Settings = {
    leaseDuration: 15_000,
    renewDeadline: 10_000,
    retryPeriod: 2_000,
    clock: systemClock,
    ...options,
  };
  requireOrder(settings);
  await new Contender(client, settings).run();
}

function requireOrder({ leaseDuration, renewDeadline, retryPeriod }: Settings): void {
  if (leaseDuration > renewDeadline && renewDeadline > retryPeriod * JITTER) return;
  const why = `leaseDuration ${leaseDuration} must be more than renewDeadline ${renewDeadline}, and that more than ${JITTER} x retryPeriod ${retryPeriod}`;
  throw new PodwireError('KUBE_BAD_CONFIG', `the election's times do not fit: ${why}`);
}

class Contender {
  readonly #settings: Settings;
  readonly #lock: LeaseLock;
  #told = '';
  /** By the own clock, when the last successful renewal was asked for. */
  #renewedAt = Number.NEGATIVE_INFINITY;

  constructor(client: KubeClient, settings: Settings) {
    this.#settings = settings;
    this.#lock = new LeaseLock(client, settings);
  }

  async run(): Promise<void> {
    const { signal, clock, retryPeriod } = this.#settings;
    try {
      while (!signal.aborted) {
        const endedByItself = (await this.#attempt()) && !signal.aborted && (await this.#lead());
        if (endedByItself) return;
        await clock.sleep(retryPeriod * (1 + Math.random() * (JITTER - 1)), signal);
      }
    } finally {
      await this.#lock.release().catch(() => {});
    }
  }

  /** Whether the lease is ours now; what the server fails at is no. */
  async #attempt(): Promise<boolean> {
    const { signal, clock, identity, renewDeadline, onLeader } = this.#settings;
    const startedAt = clock.now();
    const late = new AbortController();
    const attempt = new AbortController();
    const stop = () => attempt.abort(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    void clock.sleep(renewDeadline, late.signal).then(() => attempt.abort(new Error('the server is too slow')));
    try {
      const acquired = await this.#lock.acquire(attempt.signal);
      if (acquired) this.#renewedAt = startedAt;
      return acquired;
    } catch {
      return false;
    } finally {
      late.abort();
      signal.removeEventListener('abort', stop);
      const { holder } = this.#lock;
      if (holder !== '' && holder !== this.#told && holder !== identity) onLeader?.(holder);
      if (holder !== '') this.#told = holder;
    }
  }

  /** True when the work ended by itself. */
  async #lead(): Promise<boolean> {
    const { signal, lead } = this.#settings;
    const lost = new AbortController();
    let ended = false;
    const stop = () => lost.abort(signal.reason);
    signal.addEventListener('abort', stop, { once: true });
    const leadership = { signal: lost.signal, isCertain: () => !lost.signal.aborted && this.#isFresh() };
    const work = lead(leadership).finally(() => {
      ended = !lost.signal.aborted;
      lost.abort(new Error('the work has ended'));
    });
    const renewing = this.#renew(lost);
    try {
      await Promise.all([work, renewing]);
    } finally {
      signal.removeEventListener('abort', stop);
    }
    return ended;
  }

  /** Until leadership is lost or given up. */
  async #renew(lost: AbortController): Promise<void> {
    const { clock, retryPeriod, renewDeadline } = this.#settings;
    while (!lost.signal.aborted) {
      await clock.sleep(Math.min(retryPeriod, this.#renewedAt + renewDeadline - clock.now()), lost.signal);
      if (lost.signal.aborted) return;
      await this.#untilStale(this.#attempt(), lost.signal);
      const { holder } = this.#lock;
      const taken = holder !== '' && holder !== this.#settings.identity;
      if (taken || !this.#isFresh()) lost.abort(new Error('the lease could not be renewed in time'));
    }
  }

  /** A request that hangs must not let a leader think that it still leads. */
  async #untilStale(attempt: Promise<boolean>, signal: AbortSignal): Promise<void> {
    const { clock, renewDeadline } = this.#settings;
    const done = new AbortController();
    const rest = this.#renewedAt + renewDeadline - clock.now();
    await Promise.race([attempt, clock.sleep(rest, AbortSignal.any([done.signal, signal]))]);
    done.abort();
  }

  #isFresh(): boolean {
    const { clock, renewDeadline } = this.#settings;
    return clock.now() - this.#renewedAt < renewDeadline;
  }
}
