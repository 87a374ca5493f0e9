import type { Family } from '@podwire/base';
import type { Netns } from '@podwire/kernel';
import type { ProxyContext } from '../proxy.ts';
import type { UdpEntries } from '../stale-flow.ts';
import { type ChainChange, type Chains, compareChains } from './chain-change.ts';
import {
  allVariants,
  type Detected,
  detectIptables,
  type IptablesCommands,
  isOurs,
  refuseForeign,
} from './commands.ts';
import type { ChainWriter } from './family-proxy.ts';
import { type RestoreText, restoreText } from './restore-text.ts';
import type { Saved } from './saved.ts';

export const FAMILIES: readonly Family[] = ['ipv4', 'ipv6'];

/** New chains that iptables-nft-restore gets at once. */
const PIECE = 1_500;
const NOTHING: Chains = new Map();

/** Writes chains through iptables-restore and reads them through iptables-save. */
export class KernelChains implements ChainWriter {
  readonly #netns: Netns | undefined;
  readonly #flows: ProxyContext['flows'];
  #commands: IptablesCommands | undefined;

  constructor({ netns, flows }: Pick<ProxyContext, 'netns' | 'flows'>) {
    this.#netns = netns;
    this.#flows = flows;
  }

  /** `iptables-nft` or `iptables-legacy`, once it is known. */
  get variant(): string | undefined {
    return this.#commands?.name;
  }

  async read(family: Family, wanted: boolean): Promise<Saved | undefined> {
    const found = this.#commands ? undefined : await this.#detect();
    if (found && family === 'ipv4') return found.saved;
    const commands = await this.#tools();
    const saved = await commands.save(family).catch((error: unknown) => {
      if (!wanted) return undefined;
      throw error;
    });
    if (saved) refuseForeign(commands, saved);
    return saved;
  }

  async write(family: Family, changes: readonly ChainChange[]): Promise<number> {
    if (changes.length === 0) return 0;
    const commands = await this.#tools();
    const text = restoreText(changes, commands.variant === '-legacy' ? undefined : PIECE);
    for (const one of text.texts) await commands.restore(family, one);
    return text.commands;
  }

  forgetFlows(before: UdpEntries | undefined, after: UdpEntries): void {
    this.#flows.forget(before, after);
  }

  /** What it would take to get from what is there to what is wanted. */
  async drift(family: Family, { chains }: { readonly chains: Chains }): Promise<RestoreText> {
    const saved = await this.read(family, chains.size > 0);
    return restoreText(saved ? compareChains(saved.chains, chains, saved.wanted) : []);
  }

  /** Removes our chains, of both families and whichever variant they were made with. */
  async delete(): Promise<void> {
    for (const commands of allVariants(this.#netns)) {
      for (const family of FAMILIES) {
        const saved = await commands.save(family).catch(() => undefined);
        if (!saved || !isOurs(saved)) continue;
        const { texts } = restoreText(compareChains(saved.chains, NOTHING, saved.wanted));
        for (const text of texts) await commands.restore(family, text);
      }
    }
  }

  async #tools(): Promise<IptablesCommands> {
    return this.#commands ?? (await this.#detect()).commands;
  }

  async #detect(): Promise<Detected> {
    const detected = await detectIptables(this.#netns);
    this.#commands = detected.commands;
    return detected;
  }
}
