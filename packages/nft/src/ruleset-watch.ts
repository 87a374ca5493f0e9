import type { Netns } from '@podwire/kernel';
import { NftTransport } from './transport.ts';

export interface RulesetWatchOptions {
  /** Absent: the namespace the calling thread is in. */
  readonly netns?: Netns | undefined;
  /** How often is asked, in ms. All watches of a namespace ask together, as often as the most eager. Default 1000. */
  readonly interval?: number;
  /** Somebody else wrote, anything in any table; not called while a look of this watch is under way or it rests (`look`). */
  readonly onChange: () => void;
}

/** One who compares what it wrote with what the kernel has when others write. */
export interface RulesetWatch {
  /**
   * To be called when a look at the kernel begins, for whatever reason; what is returned, when it has ended. What was
   * noticed before is settled by that. Two seconds of looking need no rest; then the watch rests for twenty
   * times as long as each takes, so that one who writes without end costs a twentieth of the time, and what is noticed
   * meanwhile is told afterwards.
   */
  look(): () => void;
  stop(): void;
}

/** Looking because others wrote takes at most one part in so many of the time. */
const SHARE = 20;
/** But for so many ms of looking, which need not wait; they are gathered anew at the same rate. */
const AT_ONCE = 2000;
const DEFAULT_INTERVAL = 1000;

/**
 * Notices that somebody else wrote to nf_tables of a network namespace: every transaction has a number, which is asked for,
 * and transactions of this thread are counted. One small message for all watches of the namespace; a subscription would
 * tell the same, but has the kernel make a message of every element that is written, by ourselves too. Before Linux 3.18
 * nothing is noticed.
 *
 *   number of the last transaction ─ transactions of this thread = those of others ─▶ another one ─▶ onChange
 */
export function watchRuleset(options: RulesetWatchOptions): RulesetWatch {
  const watch = new Watch(options);
  const poll = NamespacePoll.of(options.netns);
  poll.add(watch);
  return { look: () => watch.look(), stop: () => poll.remove(watch) };
}

/**
 * Runs what lets a child process write to nf_tables of the namespace, and counts what is written meanwhile as written by this
 * thread: no watch tells it.
 */
export async function writingByChild<T>(netns: Netns | undefined, run: () => Promise<T>): Promise<T> {
  const transport = new NftTransport(netns);
  try {
    return await transport.countAsOwn(run);
  } finally {
    transport.close();
  }
}

class Watch {
  readonly interval: number;
  readonly #onChange: () => void;
  #changed = false;
  #looking = false;
  /** What looking may take now, in ms, and as of when. */
  #budget = AT_ONCE;
  #asOf = performance.now();

  constructor({ interval = DEFAULT_INTERVAL, onChange }: RulesetWatchOptions) {
    this.interval = interval;
    this.#onChange = onChange;
  }

  /** Asked once more: `changed` since the last time. */
  asked(changed: boolean): void {
    this.#changed ||= changed;
    if (!this.#changed || this.#looking) return;
    this.#gather();
    if (this.#budget > 0) this.#onChange();
  }

  #gather(): void {
    const now = performance.now();
    this.#budget = Math.min(AT_ONCE, this.#budget + (now - this.#asOf) / SHARE);
    this.#asOf = now;
  }

  look(): () => void {
    const startedAt = performance.now();
    this.#changed = false;
    this.#looking = true;
    return () => {
      this.#looking = false;
      this.#gather();
      this.#budget -= performance.now() - startedAt;
    };
  }
}

const polls = new Map<bigint, NamespacePoll>();

/** Asks for all watches of a namespace. */
class NamespacePoll {
  readonly #transport: NftTransport;
  readonly #watches = new Set<Watch>();
  #timer: NodeJS.Timeout | undefined;
  #foreign: number | undefined;

  constructor(transport: NftTransport) {
    this.#transport = transport;
    this.#foreign = transport.foreignWrites();
  }

  /** The one there is, or a new one. */
  static of(netns: Netns | undefined): NamespacePoll {
    const transport = new NftTransport(netns);
    const present = polls.get(transport.inode);
    if (present) transport.close();
    const poll = present ?? new NamespacePoll(transport);
    polls.set(transport.inode, poll);
    return poll;
  }

  add(watch: Watch): void {
    this.#watches.add(watch);
    this.#schedule();
  }

  remove(watch: Watch): void {
    if (!this.#watches.delete(watch)) return;
    this.#schedule();
    if (this.#watches.size > 0) return;
    polls.delete(this.#transport.inode);
    this.#transport.close();
  }

  #schedule(): void {
    clearInterval(this.#timer);
    if (this.#watches.size === 0) return;
    const interval = Math.min(...[...this.#watches].map((watch) => watch.interval));
    this.#timer = setInterval(() => this.#ask(), interval).unref();
  }

  #ask(): void {
    if (this.#transport.childWrites) return;
    let foreign: number | undefined;
    try {
      foreign = this.#transport.foreignWrites();
    } catch {
      return; // the answer got lost: the next one tells
    }
    const changed = foreign !== this.#foreign;
    this.#foreign = foreign;
    for (const watch of [...this.#watches]) watch.asked(changed);
  }
}
