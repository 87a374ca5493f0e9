import type { Family } from '@podwire/base';
import type { Chain, NamedSet, Rule, Statement } from '@podwire/nft';
import { type Choice, choiceValue, MAGLEV_SIZES, type SlotChoice } from '../choice/choice.ts';
import { FIELDS, type Fields, goto, inSet, MARK, mapped, rule, setMark } from '../ruleset/expressions.ts';
import { slotMark } from './layout.ts';

/** Chains for so many slots exist always, so that ordinary changes touch elements only. */
const ALWAYS = 64;
/** Least number of chains of a variant that is in use at all. */
const FEWEST = 8;
/** The same on every node and after every restart. */
const HASH_SEED = 0x706f6477;

export interface ChoiceChains {
  /** Equal text, equal chains. */
  readonly signature: string;
  readonly chains: readonly Chain[];
  readonly count: NamedSet;
  /** Whether nodes are drawn too. */
  readonly direct: boolean;
}

/**
 * One constant chain per number of slots: draw a slot, send to its endpoint. Variants (affinity time, inside) come into
 * being with their first user, and sets of chains grow in powers of two, so a service that scales makes none.
 * `previous` is returned when nothing is different.
 */
export function choiceChains(inUse: Iterable<Choice>, family: Family, previous?: ChoiceChains): ChoiceChains {
  const choicesInUse = [...inUse];
  const direct = choicesInUse.includes('direct');
  const variants = largestOfEach(choicesInUse.filter((choice) => choice !== 'direct'));
  const values = variants.map((choice) => choiceValue({ ...choice, slots: chainsFor(choice.slots) }));
  const signature = `${direct ? 'direct ' : ''}${values.join(' ')}`;
  if (signature === previous?.signature) return previous;
  const choices = variants.flatMap((choice) => slotCounts(choice).map((slots) => ({ ...choice, slots })));
  const fields = FIELDS[family];
  return {
    signature,
    direct,
    chains: choices.map((choice) => ({
      name: chainName(choice),
      rules: choice.affinitySeconds ? sticky(choice, fields) : once(choice, fields),
    })),
    count: {
      name: 'count',
      key: ['mark'],
      data: 'verdict',
      comment: 'how to choose -> chain',
      elements: choices.map((choice) => ({
        key: [choiceValue(choice)],
        data: { kind: 'goto', chain: chainName(choice) },
      })),
    },
  };
}

function largestOfEach(inUse: readonly SlotChoice[]): SlotChoice[] {
  const largest = new Map<number, SlotChoice>([[0, { affinitySeconds: 0, inside: false, slots: ALWAYS }]]);
  for (const choice of inUse) {
    const variant = choiceValue({ ...choice, slots: 0 });
    if ((largest.get(variant)?.slots ?? 0) < choice.slots) largest.set(variant, choice);
  }
  return [...largest].sort(([a], [b]) => a - b).map(([, choice]) => choice);
}

/** For how many slots a variant has chains. */
function slotCounts({ slots, balance }: SlotChoice): number[] {
  if (balance === 'maglev') return [MAGLEV_SIZES.few, MAGLEV_SIZES.many];
  return Array.from({ length: chainsFor(slots) }, (_, i) => i + 1);
}

function chainsFor(slots: number): number {
  return Math.max(FEWEST, 2 ** Math.ceil(Math.log2(slots)));
}

/** n4, n4-inside, n4-10800s, n4-10800s-inside, n4-round-robin */
function chainName({ affinitySeconds, inside, slots, balance }: SlotChoice): string {
  return `n${slots}${affinitySeconds ? `-${affinitySeconds}s` : ''}${balance ? `-${balance}` : ''}${inside ? '-inside' : ''}`;
}

/** A slot: at random, the next one (of all services with so many), the client's, or the connection's. */
function draw({ inside, slots, balance }: SlotChoice, { source, sourceAndPort }: Fields): Statement {
  const [modulus, offset] = [slots, slotMark(inside, 0)];
  if (balance === 'source-hash' || balance === 'maglev') {
    const of = balance === 'maglev' ? sourceAndPort : source;
    return setMark({ kind: 'jhash', of, modulus, seed: HASH_SEED, offset });
  }
  return setMark({ kind: 'numgen', mode: balance === 'round-robin' ? 'inc' : 'random', modulus, offset });
}

const toEndpoint = goto('to-endpoint');

const once = (choice: SlotChoice, fields: Fields): Rule[] => [rule([draw(choice, fields), toEndpoint])];

/**
 * A client that has an id whose endpoint still exists goes there; otherwise a new choice is made and remembered. Each new
 * connection starts the time again. The old entry goes first: the kernel's update refreshes, it does not overwrite.
 */
function sticky(choice: SlotChoice, fields: Fields): Rule[] {
  const { sourceAndKey, keyAndMark } = fields;
  const entry = (op: 'update' | 'delete', data = MARK): Statement => ({
    kind: 'update',
    op,
    set: 'affinity',
    key: sourceAndKey,
    data,
    ...(op === 'update' && { timeout: choice.affinitySeconds }),
  });
  return [
    rule([setMark(mapped(sourceAndKey, 'affinity'))]),
    rule([inSet(keyAndMark, 'live'), entry('update'), toEndpoint], 'known client, live endpoint'),
    rule([entry('delete')]),
    rule([draw(choice, fields)]),
    rule([setMark(mapped(keyAndMark, 'ids')), entry('update'), toEndpoint], 'new choice'),
  ];
}
