import { type Logger, messageOf } from '@podwire/base';
import { type Netlink, type Netns, openNetlink } from '@podwire/kernel';
import { deleteFlows, listUdpFlows } from './conntrack.ts';
import { mayBeStale, staleFlows, type UdpEntries } from './stale-flow.ts';

/** Milliseconds in which what goes is collected: all of it is looked for at once, for that reads every tracked flow. */
const SOON = 50;
/** Looking takes at most one part in so many of the time. */
const SHARE = 10;
/** Milliseconds until it is tried again when the kernel refused. */
const AGAIN = 1000;

/**
 * Forgets tracked UDP flows that rules of before have led astray (SVC-25): soon after those rules were replaced, so that
 * nobody waits for it. Its socket is opened with the first need.
 *
 *   forget, forget, forget ──▶ (50 ms) ──▶ one look at all flows
 */
export class UdpFlows {
  readonly #netns: Netns | undefined;
  readonly #logger: Logger;
  #netlink: Netlink | undefined;
  readonly #before = new Map<string, readonly string[]>();
  readonly #after = new Map<string, readonly string[]>();
  #timer: NodeJS.Timeout | undefined;
  #restUntil = 0;
  /** How many were removed so far. */
  forgotten = 0;

  constructor(logger: Logger, netns?: Netns) {
    this.#logger = logger;
    this.#netns = netns;
  }

  /**
   * To be called when the rules for `after` are in force; both have what changed, or everything. Without `before`, nothing
   * is known of the rules that were there.
   */
  forget(before: UdpEntries | undefined, after: UdpEntries): void {
    if (!this.#timer && !mayBeStale(before, after)) return;
    for (const [id, endpoints] of before ?? []) {
      this.#before.set(id, endpoints);
      this.#after.delete(id);
    }
    for (const [id, endpoints] of after) this.#after.set(id, endpoints);
    if (!this.#timer) this.#lookIn(Math.max(SOON, this.#restUntil - performance.now()));
  }

  /** Forgets at once what waits. */
  flush(): void {
    if (this.#timer) this.#look();
  }

  /** What waits is forgotten first. */
  close(): void {
    this.flush();
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#netlink?.close();
    this.#netlink = undefined;
  }

  #lookIn(ms: number): void {
    this.#timer = setTimeout(() => this.#look(), ms).unref();
  }

  #look(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const startedAt = performance.now();
    try {
      this.#netlink ??= openNetlink('netfilter', this.#netns);
      const stale = staleFlows(listUdpFlows(this.#netlink), this.#before, this.#after);
      if (stale.length > 0) this.forgotten += deleteFlows(this.#netlink, stale);
      this.#before.clear();
      this.#after.clear();
    } catch (error) {
      this.#logger.error('UDP flows of endpoints that went are still tracked', { reason: messageOf(error) });
      this.#lookIn(AGAIN);
    }
    const now = performance.now();
    this.#restUntil = now + (now - startedAt) * SHARE;
  }
}
