import type { Netns } from '@podwire/kernel';
import { type Nft, openNft } from '@podwire/nft';

/** Looking at the kernel because others wrote takes at most one part in so many of the time. */
const SHARE = 20;

/**
 * Notices that somebody else wrote to nftables in the node's namespace. Each transaction has a number, which is asked for:
 * one small message. A subscription would tell the same, but has the kernel make a message of every element that is
 * written, by ourselves too.
 *
 *   begin ─▶ (a pass writes) ─▶ settle          what lies between is our own, or as many as the pass says
 *   ask, ask, ask ─▶ another number ─▶ onChange
 */
export class RulesetWatch {
  readonly #netns: Netns | undefined;
  readonly #onChange: () => void;
  #nft: Nft | undefined;
  #timer: NodeJS.Timeout | undefined;
  #known: number | undefined;
  #changed = false;
  /** A pass is under way. */
  #writing = false;
  #restUntil = 0;

  constructor(onChange: () => void, netns?: Netns) {
    this.#onChange = onChange;
    this.#netns = netns;
  }

  /** Asks every `interval` ms. */
  start(interval: number): void {
    this.#nft = openNft(this.#netns);
    this.#timer = setInterval(() => this.#ask(), interval).unref();
  }

  /** Before a pass writes. */
  begin(): void {
    this.#writing = true;
    this.#compare();
  }

  #compare(): void {
    const generation = this.#nft?.generation();
    if (this.#known !== undefined && generation !== this.#known) this.#changed = true;
    this.#known = generation;
  }

  /**
   * After a pass has written. `looked`: it took so many ms to look at what the kernel has. `transactions`: how often it
   * wrote, where it knows; then nobody has to be asked, and what others wrote meanwhile is noticed, too.
   */
  settle({ looked, transactions }: { readonly looked?: number; readonly transactions?: number | undefined }): void {
    this.#writing = false;
    if (transactions === undefined || this.#known === undefined) this.#known = this.#nft?.generation();
    else this.#known = (this.#known + transactions) >>> 0;
    if (looked === undefined) return;
    this.#changed = false;
    this.#restUntil = performance.now() + looked * SHARE;
  }

  #ask(): void {
    if (this.#writing) return;
    this.#compare();
    if (this.#changed && performance.now() >= this.#restUntil) this.#onChange();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#nft?.close();
    this.#nft = undefined;
  }
}
