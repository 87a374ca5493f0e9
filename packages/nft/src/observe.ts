import { readAttributes } from '@podwire/kernel';
import { AttributeWriter } from './attribute-writer.ts';
import {
  type Attributes,
  attributeMap,
  decodeElements,
  decodeSet,
  rawElementsOf,
  type SetHeader,
  textOf,
  u32Of,
} from './decode-set.ts';
import type { NamedSet, RawExpression, TableFamily } from './model.ts';
import type { ObservedAnonymousSet, ObservedChain, ObservedRule, ObservedTable } from './observation.ts';
import type { NftTransport } from './transport.ts';
import { readComment } from './userdata.ts';
import { CHAIN, ELEMENTS, EXPRESSION, FAMILY, HOOK, hookName, MESSAGE, RULE, TABLE } from './wire.ts';

const FAMILY_NAMES = new Map(Object.entries(FAMILY).map(([name, number]) => [number, name as TableFamily]));

/** Family and name of every table, also of other programs. */
export function observeTables(transport: NftTransport): { family: TableFamily; name: string }[] {
  return [...FAMILY_NAMES].flatMap(([number, family]) =>
    transport
      .dump(MESSAGE.getTable, number)
      .map((bytes) => ({ family, name: textOf(attributeMap(bytes).get(TABLE.name)) })),
  );
}

/** Reads a table back; undefined when there is none. */
export function observeTable(transport: NftTransport, family: TableFamily, name: string): ObservedTable | undefined {
  const number = FAMILY[family];
  const tables = transport.dump(MESSAGE.getTable, number).map(attributeMap);
  const table = tables.find((attributes) => textOf(attributes.get(TABLE.name)) === name);
  if (!table) return undefined;
  const filter = new AttributeWriter().text(1, name).take(); // NFTA_*_TABLE is 1 everywhere
  const ofTable = (attributes: Attributes) => textOf(attributes.get(1)) === name;
  const list = (message: number) => transport.dump(message, number, filter).map(attributeMap).filter(ofTable);
  const headers = list(MESSAGE.getSet).map(decodeSet);
  const rules = Map.groupBy(list(MESSAGE.getRule), (rule) => textOf(rule.get(RULE.chain)));
  const comment = readComment(table.get(TABLE.userdata));
  const elements = (set: NamedSet) =>
    rawElementsOf(
      transport.dump(
        MESSAGE.getElements,
        number,
        new AttributeWriter().text(ELEMENTS.table, name).text(ELEMENTS.set, set.name).take(),
      ),
    );
  return {
    family,
    name,
    ...(comment !== undefined && { comment }),
    sets: named(headers).map((set) => ({ ...set, elements: decodeElements(set, elements(set)) })),
    anonymousSets: headers
      .filter((header) => header.anonymous)
      .map(({ set }): ObservedAnonymousSet => ({ name: set.name, keys: keysOf(elements(set)) })),
    chains: list(MESSAGE.getChain).map((chain) =>
      decodeChain(family, chain, rules.get(textOf(chain.get(CHAIN.name))) ?? []),
    ),
  };
}

const named = (headers: readonly SetHeader[]): NamedSet[] =>
  headers.filter((header) => !header.anonymous).map((header) => header.set);

/** Comparable form of elements: key and whether it ends a range. */
export function keysOf(elements: readonly { readonly key: Buffer; readonly end: boolean }[]): string[] {
  return elements.map(({ key, end }) => key.toString('hex') + (end ? '-' : '')).sort();
}

function decodeChain(family: TableFamily, attributes: Attributes, rules: readonly Attributes[]): ObservedChain {
  const hook = attributeMap(attributes.get(CHAIN.hook));
  const comment = readComment(attributes.get(CHAIN.userdata));
  const name = hook.size > 0 ? hookName(family, u32Of(hook.get(HOOK.number))) : undefined;
  const device = hook.get(HOOK.device);
  return {
    name: textOf(attributes.get(CHAIN.name)),
    ...(name && {
      base: {
        type: textOf(attributes.get(CHAIN.type)) as 'filter' | 'nat' | 'route',
        hook: name,
        priority: u32Of(hook.get(HOOK.priority)) | 0,
        policy: u32Of(attributes.get(CHAIN.policy)) === 0 ? 'drop' : 'accept',
        ...(device && { device: textOf(device) }),
      },
    }),
    ...(comment !== undefined && { comment }),
    rules: rules.map(decodeRule),
  };
}

function decodeRule(attributes: Attributes): ObservedRule {
  const comment = readComment(attributes.get(RULE.userdata));
  return {
    handle: attributes.get(RULE.handle)?.readBigUInt64BE(0) ?? 0n,
    ...(comment !== undefined && { comment }),
    expressions: decodeExpressions(attributes.get(RULE.expressions) ?? Buffer.alloc(0)),
  };
}

export function decodeExpressions(list: Buffer): RawExpression[] {
  return readAttributes(list, 'rule expressions').map(({ payload }) => {
    const attributes = attributeMap(payload);
    return {
      name: textOf(attributes.get(EXPRESSION.name)),
      attributes: readAttributes(attributes.get(EXPRESSION.data) ?? Buffer.alloc(0), 'expression'),
    };
  });
}
