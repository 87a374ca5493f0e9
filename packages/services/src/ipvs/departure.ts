import type { Netns } from '@podwire/kernel';
import { familiesOf, type ServicesView } from '../model.ts';
import { Settlement } from '../nftables/settlement.ts';
import type { IpvsKernel } from './ipvs-kernel.ts';
import { TABLES } from './layout.ts';
import { familyOfKey } from './observe.ts';
import { tableOf } from './plan.ts';

/** How often it is seen whether the last connection has ended, in ms. */
const INTERVAL = 10_000;

/** By network namespace; undefined: that of the thread. */
const departures = new Map<Netns | undefined, Departure>();

/**
 * What is left of this mode when another one follows: virtual servers that take no new connections, and rules that bring
 * old ones to them. Goes with the last connection; `endDeparture` stops it, so that the mode can come back.
 */
class Departure {
  readonly #kernel: IpvsKernel;
  readonly #netns: Netns | undefined;
  readonly #timer: NodeJS.Timeout;

  constructor(kernel: IpvsKernel, netns: Netns | undefined) {
    this.#kernel = kernel;
    this.#netns = netns;
    this.#timer = setInterval(() => this.#sweep(), INTERVAL).unref();
  }

  #sweep(): void {
    try {
      this.#kernel.servers.sweep();
      if (this.#kernel.servers.leaving.length > 0) return;
      this.#kernel.clear();
    } catch {
      // somebody else has removed it, or follows us; what may be left carries our marks
    }
    this.end();
  }

  end(): void {
    clearInterval(this.#timer);
    if (departures.get(this.#netns) === this) departures.delete(this.#netns);
    this.#kernel.close();
  }
}

/** Takes the kernel over and closes it in the end. Returns whether anything has to wait. */
export function depart(
  kernel: IpvsKernel,
  netns: Netns | undefined,
  view: Pick<ServicesView, 'cluster' | 'node'>,
): boolean {
  for (const { id } of kernel.servers.held) kernel.servers.remove(id);
  const { leaving } = kernel.servers;
  if (leaving.length === 0) {
    kernel.clear();
    kernel.close();
    return false;
  }
  for (const family of familiesOf(view.cluster)) {
    const keys = leaving.flatMap(({ key, entry }) => (entry && familyOfKey(key) === family ? [{ key: entry }] : []));
    if (keys.length) kernel.nft.apply(tableOf(new Settlement(), view.node, family, keys));
    else kernel.nft.delete(TABLES[family].family, TABLES[family].name);
  }
  endDeparture(netns);
  departures.set(netns, new Departure(kernel, netns));
  return true;
}

/** What is left stays as it is. */
export function endDeparture(netns: Netns | undefined): void {
  departures.get(netns)?.end();
}
