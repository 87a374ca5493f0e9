import { readAttributes } from '@podwire/kernel';
import type { NftChange } from './change.ts';
import { decodeRawElements } from './decode-set.ts';
import { diffTables } from './diff.ts';
import { encodeRule } from './encode-rule.ts';
import { keyBounds } from './encode-set.ts';
import type { Chain, NamedSet, RawAttribute, RawExpression, Rule, SetElement, Table } from './model.ts';
import { cleanComment } from './name.ts';
import type { ObservedChain, ObservedRule, ObservedTable } from './observation.ts';
import { decodeExpressions, keysOf } from './observe.ts';

/** The changes that would bring the observed table in step with `desired`; none when it is. */
export function driftOf(observed: ObservedTable | undefined, desired: Table): NftChange[] {
  return diffTables(observed && recognise(observed, desired), desired);
}

/** The observed table in the words of `desired` wherever both mean the same bytes. */
function recognise(observed: ObservedTable, desired: Table): Table {
  const sets = new Map(desired.sets.map((set) => [set.name, set]));
  const chains = new Map(desired.chains.map((chain) => [chain.name, chain]));
  return {
    family: observed.family,
    name: observed.name,
    sets: observed.sets.map((set) => recogniseSet(set, sets.get(set.name))),
    chains: observed.chains.map((chain) => recogniseChain(chain, chains.get(chain.name), { observed, desired })),
  };
}

/** Elements that expire, or that rules add, come and go by themselves: only their absence where none expires is drift. */
function recogniseSet(set: NamedSet, wanted: NamedSet | undefined): NamedSet {
  if (!wanted || JSON.stringify(wanted.key) !== JSON.stringify(set.key)) return set;
  const id = (element: SetElement): string => {
    const { from, to } = keyBounds(wanted, element);
    return `${from.toString('hex')}-${to.toString('hex')} ${element.data ? contentId(set, element) : ''};${cleanComment(element.comment ?? '')}`;
  };
  const byId = new Map(wanted.elements.map((element) => [id(element), element]));
  const present = set.elements.flatMap((element) => {
    const known = byId.get(id(element));
    if (known) return [known];
    return set.dynamic || element.timeout !== undefined ? [] : [element];
  });
  const expiring = wanted.elements.filter((element) => element.timeout !== undefined || set.timeout !== undefined);
  return { ...set, elements: [...new Set([...present, ...expiring])] };
}

function contentId(set: NamedSet, { data }: SetElement): string {
  if (!data || 'kind' in data || set.data === undefined || set.data === 'verdict') return JSON.stringify(data);
  return keyBounds({ name: set.name, key: set.data }, { key: data }).from.toString('hex');
}

interface Both {
  readonly observed: ObservedTable;
  readonly desired: Table;
}

/** Stands for a rule that is not as desired; no printed rule equals it. */
const FOREIGN: Rule = { statements: [], comment: 'not as desired' };

function recogniseChain(chain: ObservedChain, wanted: Chain | undefined, both: Both): Chain {
  const rest = { name: chain.name, ...(chain.base && { base: chain.base }) };
  const same =
    wanted &&
    wanted.rules.length === chain.rules.length &&
    wanted.rules.every((rule, i) => sameRule(rule, chain.rules[i], both));
  return { ...rest, rules: same ? wanted.rules : chain.rules.map(() => FOREIGN) };
}

function sameRule(rule: Rule, seen: ObservedRule | undefined, { observed, desired }: Both): boolean {
  if (!seen || (seen.comment ?? '') !== cleanComment(rule.comment ?? '')) return false;
  let id = 0;
  const encoded = encodeRule(rule, desired, () => ++id);
  const sent = decodeExpressions(encoded.expressions);
  if (sent.length !== seen.expressions.length) return false;
  const contents = new Map(observed.anonymousSets.map((set) => [set.name, set.keys.join()]));
  let anonymous = 0;
  return sent.every((expression, i) => {
    const other = seen.expressions[i];
    if (!other || other.name !== expression.name) return false;
    const set =
      expression.name === 'lookup' && expression.attributes.some((a) => a.type === 4)
        ? encoded.sets[anonymous++]
        : undefined;
    if (!set) return sameExpression(expression, other);
    const name =
      other.attributes
        .find((a) => a.type === 1)
        ?.payload.toString()
        .replace(/\0$/, '') ?? '';
    const keys = keysOf(decodeRawElements(Buffer.concat(set.elements))).join();
    return contents.get(name) === keys && sameExpression(withoutSet(expression), other);
  });
}

/** The name of an anonymous set is the kernel's choice, its id lives only in the transaction. */
function withoutSet({ name, attributes }: RawExpression): RawExpression {
  return { name, attributes: attributes.filter((a) => a.type !== 1 && a.type !== 4) };
}

/** Everything sent is there; the kernel adds defaults and counts. */
function sameExpression(sent: RawExpression, seen: RawExpression): boolean {
  return sent.attributes.every((attribute) => {
    const other = seen.attributes.find((a) => a.type === attribute.type);
    if (!other) return false;
    if (isNatFlags(sent.name, attribute))
      return (attribute.payload.readUInt32BE(0) & ~other.payload.readUInt32BE(0)) === 0;
    return samePayload(attribute.payload, other.payload);
  });
}

/** The kernel adds NF_NAT_RANGE_MAP_IPS by itself. */
function isNatFlags(name: string, { type }: RawAttribute): boolean {
  return (name === 'nat' && type === 7) || (name === 'redir' && type === 3);
}

/** Equal bytes, or nested attributes that are equal apart from the NESTED flag in their headers. */
function samePayload(sent: Buffer, seen: Buffer): boolean {
  if (sent.equals(seen)) return true;
  const [a, b] = [tryAttributes(sent), tryAttributes(seen)];
  return (
    a !== undefined &&
    b !== undefined &&
    a.length === b.length &&
    a.every((x, i) => x.type === b[i]?.type && samePayload(x.payload, b[i].payload))
  );
}

function tryAttributes(bytes: Buffer): readonly RawAttribute[] | undefined {
  if (bytes.length < 8) return undefined;
  try {
    const found = readAttributes(bytes, 'payload');
    return found.length > 0 ? found : undefined;
  } catch {
    return undefined;
  }
}
