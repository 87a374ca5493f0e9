import { type AttributesOf, type AttributeTable, attributes, encodeAttributes, encoded } from '@podwire/kernel';
import {
  NFT_MSG,
  nftChain,
  nftElements,
  nftFlowtable,
  nftObject,
  nftRule,
  nftSet,
  nftTable,
} from '@podwire/kernel/nfnetlink';
import type { OwnSet } from './decode-lookup.ts';
import { decodeFlowtable, decodeObject } from './decode-object.ts';
import { decodeElements, decodeSet, type ElementAttributes, type SetHeader } from './decode-set.ts';
import type { NamedSet, TableFamily } from './model.ts';
import type { ObservedChain, ObservedRule, ObservedTable } from './observation.ts';
import { readComment } from './read-userdata.ts';
import { RuleReader } from './rule-reader.ts';
import type { NftTransport } from './transport.ts';
import { FAMILY, hookName } from './wire.ts';

const FAMILY_NAMES = new Map(Object.entries(FAMILY).map(([name, number]) => [number, name as TableFamily]));

/** Family and name of every table, also of other programs, in the order in which they were made. */
export function observeTables(transport: NftTransport): { family: TableFamily; name: string }[] {
  const tables = [...FAMILY_NAMES].flatMap(([number, family]) =>
    transport.dump(NFT_MSG.GETTABLE, number).map((bytes) => ({ family, ...nftTable.read(bytes) })),
  );
  return tables
    .toSorted((a, b) => Number((a.handle ?? 0n) - (b.handle ?? 0n)))
    .map(({ family, name = '' }) => ({ family, name }));
}

/** Rules with their bytecode left as it is, for words are tried on it. */
const ruleTable = attributes('nft rule', { ...nftRule.rows, expressions: [4, encoded, 'NFTA_RULE_EXPRESSIONS'] });
type RuleAttributes = AttributesOf<(typeof ruleTable)['rows']>;
type ChainAttributes = AttributesOf<(typeof nftChain)['rows']>;

/** Reads a table back, whoever wrote it; undefined when there is none. */
export function observeTable(transport: NftTransport, family: TableFamily, name: string): ObservedTable | undefined {
  return new TableReader(transport, family, name).read();
}

class TableReader {
  readonly #transport: NftTransport;
  readonly #family: TableFamily;
  readonly #name: string;

  constructor(transport: NftTransport, family: TableFamily, name: string) {
    this.#transport = transport;
    this.#family = family;
    this.#name = name;
  }

  read(): ObservedTable | undefined {
    const [family, name] = [this.#family, this.#name];
    const tables = this.#transport.dump(NFT_MSG.GETTABLE, FAMILY[family]).map((bytes) => nftTable.read(bytes));
    const table = tables.find((one) => one.name === name);
    if (!table) return undefined;
    const headers = this.#list(NFT_MSG.GETSET, nftSet).map(decodeSet);
    const sets = headers.filter(({ anonymous }) => !anonymous).map(({ set }) => this.#filled(set));
    const objects = this.#list(NFT_MSG.GETOBJ, nftObject).flatMap((object) => decodeObject(object) ?? []);
    const flowtables = this.#list(NFT_MSG.GETFLOWTABLE, nftFlowtable).map(decodeFlowtable);
    const comment = readComment(table.userdata);
    return {
      family,
      name,
      ...(table.flags?.includes('dormant') && { dormant: true }),
      ...(table.flags?.includes('owner') && { owner: true }),
      ...(comment !== undefined && { comment }),
      ...(objects.length > 0 && { objects }),
      ...(flowtables.length > 0 && { flowtables }),
      sets,
      chains: this.#chains(sets, this.#ownSets(headers)),
    };
  }

  /** The objects of one kind in this table; NFTA_*_TABLE is 1 for all of them. */
  #list<R>(message: number, table: AttributeTable<R>): AttributesOf<R>[] {
    const filter = encodeAttributes(nftChain, { table: this.#name });
    const all = this.#transport.dump(message, FAMILY[this.#family], filter).map((bytes) => table.read(bytes));
    return all.filter((one) => (one as { table?: string }).table === this.#name);
  }

  #elements(set: string): ElementAttributes[] {
    const wanted = encodeAttributes(nftElements, { table: this.#name, set });
    return this.#transport
      .dump(NFT_MSG.GETSETELEM, FAMILY[this.#family], wanted)
      .flatMap((bytes) => nftElements.read(bytes).elements ?? []);
  }

  #filled(set: NamedSet): NamedSet {
    return { ...set, elements: decodeElements(set, this.#elements(set.name)) };
  }

  /** Sets that belong to rules, read when a rule uses them. */
  #ownSets(headers: readonly SetHeader[]): (name: string) => OwnSet | undefined {
    const own = new Map(headers.filter(({ anonymous }) => anonymous).map(({ set }) => [set.name, set]));
    return (name) => {
      const set = own.get(name);
      return set && { set, elements: this.#elements(name) };
    };
  }

  #chains(sets: readonly NamedSet[], ownSet: (name: string) => OwnSet | undefined): ObservedChain[] {
    const reader = new RuleReader({ family: this.#family, name: this.#name, sets, chains: [] }, ownSet);
    const rules = Map.groupBy(this.#list(NFT_MSG.GETRULE, ruleTable), ({ chain }) => chain);
    const ruleOf = ({ handle = 0n, userdata, expressions }: RuleAttributes): ObservedRule => {
      const comment = readComment(userdata);
      return {
        handle: Number(handle),
        statements: reader.read(Buffer.from(expressions ?? [])),
        ...(comment !== undefined && { comment }),
      };
    };
    return this.#list(NFT_MSG.GETCHAIN, nftChain)
      .filter(({ flags }) => !flags?.includes('binding'))
      .map((chain) => ({ ...this.#chain(chain), rules: (rules.get(chain.name) ?? []).map(ruleOf) }));
  }

  #chain({ name = '', type, hook, policy, flags, userdata }: ChainAttributes): Omit<ObservedChain, 'rules'> {
    const comment = readComment(userdata);
    const named = hook && hookName(this.#family, hook.number ?? 0);
    const devices = hook?.devices?.name ?? (hook?.device === undefined ? [] : [hook.device]);
    return {
      name,
      ...(named && {
        base: {
          type: (type ?? 'filter') as 'filter' | 'nat' | 'route',
          hook: named,
          priority: hook.priority ?? 0,
          policy: policy === 'drop' ? 'drop' : 'accept',
          ...(devices.length === 1 && devices[0] !== undefined && { device: devices[0] }),
          ...(devices.length > 1 && { devices }),
          ...(flags?.includes('offload') && { offload: true }),
        },
      }),
      ...(comment !== undefined && { comment }),
    };
  }
}
