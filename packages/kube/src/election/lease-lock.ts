import { hasCode } from '@podwire/base';
import type { KubeClient, ObjectKey } from '../client.ts';
import type { Clock } from '../clock.ts';
import type { Lease } from '../kinds.ts';

export interface LeaseLockOptions {
  readonly lease: ObjectKey;
  readonly identity: string;
  /** In ms: so long after its last change seen, others may take the lease. */
  readonly leaseDuration: number;
  readonly clock: Clock;
}

type Spec = NonNullable<Lease['spec']>;

/** In ms: whoever stops does not wait for a server that is away. */
const RELEASE_TIMEOUT = 5_000;

/**
 * One contender's view of a Lease. Times in the Lease are of other machines and are never compared with the clock here: a lease
 * has run out when it did not change for its duration by the own clock.
 */
export class LeaseLock {
  /** Who holds it, as last seen; empty: nobody. */
  holder = '';
  readonly #client: KubeClient;
  readonly #options: LeaseLockOptions;
  #seen: Lease | undefined;
  /** Since when, by the own clock, the lease has been as it is. */
  #since = Number.NEGATIVE_INFINITY;

  constructor(client: KubeClient, options: LeaseLockOptions) {
    this.#client = client;
    this.#options = options;
  }

  /** Takes the lease, or renews it; false while another one has it. Throws what the server says. */
  async acquire(signal: AbortSignal): Promise<boolean> {
    const { identity, lease: key } = this.#options;
    if (this.holder !== identity && !(await this.#look(signal))) return false;
    const seen = this.#seen;
    try {
      const wanted = { ...seen, metadata: { ...seen?.metadata, ...key }, spec: this.#spec(seen?.spec) };
      this.#see(
        seen
          ? await this.#client.update('Lease', wanted, undefined, { signal })
          : await this.#client.create('Lease', wanted, { signal }),
      );
      return true;
    } catch (error) {
      // Somebody else was faster; who, the next look will tell.
      if (hasCode(error, 'KUBE_CONFLICT') || hasCode(error, 'KUBE_ALREADY_EXISTS') || hasCode(error, 'KUBE_NOT_FOUND'))
        this.#forget();
      throw error;
    }
  }

  /** Lets go, so that others need not wait until the lease runs out. */
  async release(): Promise<void> {
    const seen = this.#seen;
    if (this.holder !== this.#options.identity || !seen) return;
    const now = microTime(seen.spec?.renewTime);
    const spec: Spec = { ...seen.spec, holderIdentity: '', leaseDurationSeconds: 1, renewTime: now, acquireTime: now };
    this.#forget();
    await this.#client.update('Lease', { ...seen, spec }, undefined, { signal: AbortSignal.timeout(RELEASE_TIMEOUT) });
  }

  /** Whether it may be had. */
  async #look(signal: AbortSignal): Promise<boolean> {
    const { lease, leaseDuration, clock, identity } = this.#options;
    const found = await this.#client.get('Lease', lease, { signal });
    if (found?.metadata?.resourceVersion !== this.#seen?.metadata?.resourceVersion || !found) this.#see(found);
    const duration = Math.max((found?.spec?.leaseDurationSeconds ?? 0) * 1000, leaseDuration);
    return this.holder === '' || this.holder === identity || clock.now() - this.#since > duration;
  }

  #spec(seen: Spec | undefined): Spec {
    const { identity, leaseDuration } = this.#options;
    const now = microTime(seen?.renewTime);
    const isOurs = seen?.holderIdentity === identity;
    return {
      ...seen,
      holderIdentity: identity,
      leaseDurationSeconds: Math.ceil(leaseDuration / 1000),
      acquireTime: isOurs ? (seen.acquireTime ?? now) : now,
      renewTime: now,
      leaseTransitions: (seen?.leaseTransitions ?? 0) + (isOurs || !seen ? 0 : 1),
    };
  }

  #see(lease: Lease | undefined): void {
    this.#seen = lease;
    this.#since = this.#options.clock.now();
    this.holder = lease?.spec?.holderIdentity ?? '';
  }

  #forget(): void {
    this.holder = '';
    this.#seen = undefined;
  }
}

/** meta/v1 MicroTime: six digits. Another one than before, for servers take a renewal that changes nothing for none. */
function microTime(before = ''): string {
  const ms = new Date().toISOString().slice(0, -1);
  const micros = before.startsWith(ms) ? (Number.parseInt(before.slice(ms.length), 10) || 0) + 1 : 0;
  return `${ms}${String(micros % 1000).padStart(3, '0')}Z`;
}
