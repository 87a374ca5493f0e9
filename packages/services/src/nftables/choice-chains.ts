import type { Chain, NamedSet, Rule, Statement } from '@podwire/nft';
import { inSet, KEY_AND_MARK, MARK, mapped, rule, SOURCE_AND_KEY, setMark, toEndpoint } from './expressions.ts';
import { type Choice, choiceValue, slotMark } from './layout.ts';

/** Chains for so many slots exist always, so that ordinary changes touch elements only. */
const ALWAYS = 64;
/** Least number of chains of a variant that is in use at all. */
const FEWEST = 8;

export interface ChoiceChains {
  /** Equal text, equal chains. */
  readonly signature: string;
  readonly chains: readonly Chain[];
  readonly count: NamedSet;
}

/**
 * One constant chain per number of slots: draw a slot, send to its endpoint. Variants (affinity time, inside) come into
 * being with their first user, and sets of chains grow in powers of two, so a service that scales makes none.
 * `previous` is returned when nothing is different.
 */
export function choiceChains(inUse: Iterable<Choice>, previous?: ChoiceChains): ChoiceChains {
  const variants = largestOfEach(inUse);
  const signature = variants.map((choice) => choiceValue({ ...choice, slots: chainsFor(choice.slots) })).join(' ');
  if (signature === previous?.signature) return previous;
  const choices = variants.flatMap((choice) =>
    Array.from({ length: chainsFor(choice.slots) }, (_, i) => ({ ...choice, slots: i + 1 })),
  );
  return {
    signature,
    chains: choices.map((choice) => ({
      name: chainName(choice),
      rules: choice.affinitySeconds ? sticky(choice) : random(choice),
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

function largestOfEach(inUse: Iterable<Choice>): Choice[] {
  const largest = new Map<number, Choice>([[0, { affinitySeconds: 0, inside: false, slots: ALWAYS }]]);
  for (const choice of inUse) {
    const variant = choiceValue({ ...choice, slots: 0 });
    if ((largest.get(variant)?.slots ?? 0) < choice.slots) largest.set(variant, choice);
  }
  return [...largest].sort(([a], [b]) => a - b).map(([, choice]) => choice);
}

function chainsFor(slots: number): number {
  return Math.max(FEWEST, 2 ** Math.ceil(Math.log2(slots)));
}

/** n4, n4-inside, n4-10800s, n4-10800s-inside */
function chainName({ affinitySeconds, inside, slots }: Choice): string {
  return `n${slots}${affinitySeconds ? `-${affinitySeconds}s` : ''}${inside ? '-inside' : ''}`;
}

const draw = ({ inside, slots }: Choice): Statement =>
  setMark({ kind: 'numgen', mode: 'random', modulus: slots, offset: slotMark(inside, 0) });

const random = (choice: Choice): Rule[] => [rule([draw(choice)]), rule([toEndpoint])];

/**
 * A client that has an id whose endpoint still exists goes there; otherwise a new choice is made and remembered. Each new
 * connection starts the time again. The old entry goes first: the kernel's update refreshes, it does not overwrite.
 */
function sticky(choice: Choice): Rule[] {
  const entry = (op: 'update' | 'delete', data = MARK): Statement => ({
    kind: 'update',
    op,
    set: 'affinity',
    key: SOURCE_AND_KEY,
    data,
    ...(op === 'update' && { timeout: choice.affinitySeconds }),
  });
  return [
    rule([setMark(mapped(SOURCE_AND_KEY, 'affinity'))]),
    rule([inSet(KEY_AND_MARK, 'live'), entry('update'), toEndpoint], 'known client, live endpoint'),
    rule([entry('delete')]),
    rule([draw(choice)]),
    rule([setMark(mapped(KEY_AND_MARK, 'ids')), entry('update'), toEndpoint], 'new choice'),
  ];
}
