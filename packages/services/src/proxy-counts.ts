import { Histogram } from '@podwire/base';
import type { EndpointSlice, StoreEvent } from '@podwire/kube';
import type { ProxyMode } from './proxy.ts';

/** When the endpoints changed, by whoever wrote the slice (RFC 3339). */
const TRIGGER_TIME = 'endpoints.kubernetes.io/last-change-trigger-time';
/** So many changes are remembered while none can be in force. */
const MOST_TRIGGERS = 10_000;
const upTo = (count: number, bound: (at: number) => number): number[] =>
  Array.from({ length: count }, (_, at) => bound(at));
/** kube-proxy's bounds, in seconds, so that nodes of both kinds add up. */
const SYNC_BOUNDS = upTo(15, (at) => 0.001 * 2 ** at);
const PROGRAMMING_BOUNDS = [
  ...[0, 0.25, 0.5],
  ...upTo(59, (at) => 1 + at),
  ...upTo(12, (at) => 60 + 5 * at),
  ...upTo(7, (at) => 120 + 30 * at),
];

/** Changes of one kind that the API server told of, and how many of them are in force. */
interface Tally {
  told: number;
  inForce: number;
}

/**
 * What the proxy counts: plain numbers, as a change must not cost more for them; `proxyMetrics` names them. `now`: ms
 * since 1970.
 */
export class ProxyCounts {
  readonly services: Tally = { told: 0, inForce: 0 };
  readonly endpoints: Tally = { told: 0, inForce: 0 };
  /** Of every pass, in seconds. */
  readonly passes = new Histogram(SYNC_BOUNDS);
  /** From a change of endpoints, as their slice has it, until it was in force, in seconds. */
  readonly programming = new Histogram(PROGRAMMING_BOUNDS);
  /** Passes that did not bring the kernel in step, by what the mode writes its rules with. */
  readonly failures = { iptables: 0, nftables: 0 };
  /** Passes after which something of another mode was still there. */
  cleanupFailures = 0;
  /** Answers at the proxy's own health port, by path and status. */
  readonly answers = { healthz: new Map<number, number>(), livez: new Map<number, number>() };
  /** When a pass was asked for last, and when one went well last; ms since 1970, 0: never. */
  queuedAt = 0;
  syncedAt = 0;
  /** When endpoints changed whose change is not in force yet, ms since 1970. */
  readonly #triggers: number[] = [];
  readonly #now: () => number;
  readonly #since: number;

  constructor(now: () => number = Date.now) {
    this.#now = now;
    this.#since = now();
  }

  serviceTold(): void {
    this.services.told++;
  }

  /** What changed before this process was there says nothing about it. */
  sliceTold(event: StoreEvent<EndpointSlice>): void {
    this.endpoints.told++;
    const time = event.object.metadata?.annotations?.[TRIGGER_TIME];
    if (time === undefined || event.type === 'deleted') return;
    if (event.type === 'modified' && event.previous.metadata?.annotations?.[TRIGGER_TIME] === time) return;
    const trigger = Date.parse(time);
    if (trigger > this.#since && this.#triggers.length < MOST_TRIGGERS) this.#triggers.push(trigger);
  }

  queued(): void {
    this.queuedAt = this.#now();
  }

  /** A pass begins, which sees all that was told so far; to be called when that is in force. */
  begin(): () => void {
    const [services, endpoints, triggers] = [this.services.told, this.endpoints.told, this.#triggers.length];
    return () => {
      this.services.inForce = services;
      this.endpoints.inForce = endpoints;
      this.syncedAt = this.#now();
      if (triggers === 0) return;
      for (const trigger of this.#triggers.splice(0, triggers))
        this.programming.observe(Math.max(0, this.syncedAt - trigger) / 1000);
    };
  }

  failed(mode: ProxyMode): void {
    this.failures[mode === 'iptables' ? mode : 'nftables']++;
  }

  /** Somebody asked the proxy itself for its health. */
  answered(path: string, status: number): void {
    const codes = path === '/healthz' ? this.answers.healthz : path === '/livez' ? this.answers.livez : undefined;
    codes?.set(status, (codes.get(status) ?? 0) + 1);
  }
}
