import type { Family } from '@podwire/base';
import type { Netns } from '@podwire/kernel';
import type { Synced } from '../proxy.ts';
import { UdpFlows } from '../udp-flows.ts';
import { allVariants, detectIptables, type IptablesCommands, isOurs, refuseForeign } from './commands.ts';
import type { Desired } from './plan.ts';
import { type Lines, linesOf, type RestoreText, restoreText } from './restore-text.ts';
import type { Saved } from './saved.ts';

export const FAMILIES: readonly Family[] = ['ipv4', 'ipv6'];
export type PerFamily<T> = Readonly<Record<Family, T>>;

/** New chains that iptables-nft-restore gets at once. */
const PIECE = 1_500;
const NOTHING: Lines = new Map();

/** Writes chains through iptables-restore, and remembers what it wrote so that a change is a few lines. */
export class KernelChains {
  readonly #netns: Netns | undefined;
  readonly #flows: UdpFlows;
  readonly #written = new Map<Family, Lines>();
  #commands: IptablesCommands | undefined;

  constructor(netns?: Netns) {
    this.#netns = netns;
    this.#flows = new UdpFlows(netns);
  }

  /** `iptables-nft` or `iptables-legacy`, once it is known. */
  get variant(): string | undefined {
    return this.#commands?.name;
  }

  /** `look`: read what is there first, instead of trusting what was written last. */
  async apply(desired: PerFamily<Desired>, look: boolean): Promise<Synced> {
    let commands = 0;
    for (const family of FAMILIES) commands += await this.#write(family, desired[family], look);
    const udp = new Map(FAMILIES.flatMap((family) => [...desired[family].udp]));
    return { commands, flowsForgotten: this.#flows.follow(udp) };
  }

  /** What it would take to get from what is there to what is wanted. */
  async drift(family: Family, desired: Desired): Promise<RestoreText> {
    const saved = await this.#saved(family, desired);
    return saved
      ? restoreText(saved.chains, linesOf(desired.chains), { keep: saved.wanted })
      : { texts: [], commands: 0 };
  }

  /** Removes our chains, of both families and whichever variant they were made with. */
  async delete(): Promise<void> {
    for (const commands of allVariants(this.#netns)) {
      for (const family of FAMILIES) {
        const saved = await commands.save(family).catch(() => undefined);
        if (!saved || !isOurs(saved)) continue;
        const { texts } = restoreText(saved.chains, NOTHING, { keep: saved.wanted });
        for (const text of texts) await commands.restore(family, text);
      }
    }
    this.#written.clear();
  }

  close(): void {
    this.#flows.close();
    this.#written.clear();
  }

  async #write(family: Family, desired: Desired, look: boolean): Promise<number> {
    const known = look ? undefined : this.#written.get(family);
    const saved = known ? undefined : await this.#saved(family, desired);
    const before = known ?? saved?.chains;
    if (!before) return 0;
    const after = linesOf(desired.chains);
    const tools = await this.#tools();
    const pieces = tools.variant === '-legacy' ? undefined : PIECE;
    const { texts, commands } = restoreText(before, after, { keep: saved?.wanted, pieces });
    this.#written.delete(family);
    for (const text of texts) await tools.restore(family, text);
    this.#written.set(family, after);
    return commands;
  }

  /** Nothing where a family is not used and cannot be read. */
  async #saved(family: Family, desired: Desired): Promise<Saved | undefined> {
    const commands = await this.#tools();
    const saved = await commands.save(family).catch((error: unknown) => {
      if (desired.chains.size === 0) return undefined;
      throw error;
    });
    if (saved) refuseForeign(commands, saved);
    return saved;
  }

  async #tools(): Promise<IptablesCommands> {
    this.#commands ??= await detectIptables(this.#netns);
    return this.#commands;
  }
}
