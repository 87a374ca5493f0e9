import { familiesOf, type ServicesView } from '../model.ts';
import { Settlement } from '../ruleset/settlement.ts';
import type { IpvsKernel } from './ipvs-kernel.ts';
import { TABLES } from './layout.ts';
import { familyOfKey } from './observe.ts';
import { tableOf } from './plan.ts';

/** How often it is seen whether the last connection has ended, in ms. */
const INTERVAL = 10_000;

/**
 * What is left of this mode when another one follows: virtual servers that take no new connections, and rules that bring
 * old ones to them. Goes with the last connection.
 */
export class Departure {
  readonly #kernel: IpvsKernel;
  readonly #timer: NodeJS.Timeout;
  #ended = false;

  constructor(kernel: IpvsKernel) {
    this.#kernel = kernel;
    this.#timer = setInterval(() => this.#sweep(), INTERVAL).unref();
  }

  #sweep(): void {
    try {
      this.#kernel.servers.sweep();
      this.#kernel.forgetClosed();
      if (this.#kernel.servers.leaving.length > 0) return;
      this.#kernel.clear();
    } catch {
      // somebody else has removed it; what may be left carries our marks
    }
    this.end();
  }

  /** What is left stays as it is: the mode comes back, or the room ends. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    clearInterval(this.#timer);
    this.#kernel.close();
  }
}

/** Takes the kernel over and closes it in the end. Returns what has to wait, if anything has. */
export function depart(kernel: IpvsKernel, view: Pick<ServicesView, 'cluster' | 'node'>): Departure | undefined {
  for (const { id } of kernel.servers.held) kernel.servers.remove(id);
  kernel.forgetClosed();
  const { leaving } = kernel.servers;
  if (leaving.length === 0) {
    kernel.clear();
    kernel.close();
    return undefined;
  }
  for (const family of familiesOf(view.cluster)) {
    const keys = leaving.flatMap(({ key, entry }) => (entry && familyOfKey(key) === family ? [{ key: entry }] : []));
    if (keys.length) kernel.nft.apply(tableOf(new Settlement(), view.node, family, keys));
    else kernel.nft.delete(TABLES[family].family, TABLES[family].name);
  }
  return new Departure(kernel);
}
