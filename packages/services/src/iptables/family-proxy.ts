import type { Family } from '@podwire/base';
import { familiesOf, type ServicesView } from '../model.ts';
import type { Changes, Synced } from '../proxy.ts';
import type { UdpEntries } from '../stale-flow.ts';
import { type ChainChange, type Chains, compareChains } from './chain-change.ts';
import type { ChainsChange, FamilyChains } from './family-chains.ts';
import { planFamily, planKeys } from './plan.ts';
import type { Saved } from './saved.ts';

/** Where a family's chains are. */
export interface ChainWriter {
  /** What is there; undefined where a family that is not `wanted` cannot be read. */
  read(family: Family, wanted: boolean): Promise<Saved | undefined>;
  /** Returns the number of commands. */
  write(family: Family, changes: readonly ChainChange[]): Promise<number>;
  /** Forgets UDP flows led astray by older rules (SVC-25); with all entries, or with those that are not as before. */
  forgetFlows(before: UdpEntries | undefined, after: UdpEntries): void;
}

/** What is to be brought in step. */
export interface Pass {
  readonly view: ServicesView;
  readonly changes: Changes;
  readonly look: boolean;
}

/** What planning anew came to, against the chains of before. */
interface Replanned {
  chains(): readonly ChainChange[];
  /** Those that changed, or all. */
  readonly udpBefore: UdpEntries;
  readonly udpAfter: UdpEntries;
  /** All of before. */
  udp(): UdpEntries;
}

/** One family's chains as they should be, and whether they are written. */
export class FamilyProxy {
  readonly family: Family;
  #planned: FamilyChains | undefined;
  /** Set while the kernel may have others: the UDP entries of the last chains that it had, if any are known. */
  #unwritten: { readonly udp?: UdpEntries } | undefined = {};

  constructor(family: Family) {
    this.family = family;
  }

  /** As of the last pass; undefined where the cluster does not use the family, and before the first pass. */
  get planned(): FamilyChains | undefined {
    return this.#planned;
  }

  /** When it throws, the next pass looks. */
  async sync(writer: ChainWriter, pass: Pass): Promise<Synced> {
    const unwritten = this.#unwritten;
    const wanted = familiesOf(pass.view.cluster).includes(this.family);
    // other programs are at work while this one plans
    const reading = unwritten || pass.look ? writer.read(this.family, wanted) : undefined;
    reading?.catch(() => {});
    const replanned = this.#replan(pass);
    try {
      const changes = reading ? this.#mend(await reading) : replanned.chains();
      const commands = await writer.write(this.family, changes);
      if (unwritten) writer.forgetFlows(unwritten.udp, this.#udp());
      else writer.forgetFlows(replanned.udpBefore, replanned.udpAfter);
      this.#unwritten = undefined;
      return { commands };
    } catch (error) {
      this.#unwritten = unwritten ?? { udp: replanned.udp() };
      throw error;
    }
  }

  #mend(saved: Saved | undefined): readonly ChainChange[] {
    return saved ? compareChains(saved.chains, chainsOf(this.#planned), saved.wanted) : [];
  }

  #replan({ view, changes }: Pass): Replanned {
    const change = changes === 'all' ? undefined : this.#planned?.exchange(planKeys(view, this.family, changes));
    if (change) return { ...change, chains: () => change.chains, udp: () => this.#before(change) };
    const [before, udpBefore] = [this.#planned, this.#udp()];
    this.#planned = planFamily(view, this.family);
    return {
      chains: () => compareChains(chainsOf(before), chainsOf(this.#planned)),
      udp: () => udpBefore,
      udpBefore,
      udpAfter: this.#udp(),
    };
  }

  #udp(): UdpEntries {
    return this.#planned?.claims.udp() ?? new Map();
  }

  #before({ udpBefore, udpAfter }: ChainsChange): UdpEntries {
    const all = new Map(this.#udp());
    for (const id of udpAfter.keys()) all.delete(id);
    for (const [id, endpoints] of udpBefore) all.set(id, endpoints);
    return all;
  }
}

/** Every chain of a family; none where it is not used. */
export function chainsOf(planned: FamilyChains | undefined): Chains {
  return planned?.chains() ?? new Map();
}
