import { type AttributesOf, DecodeError, readAttributes } from '@podwire/kernel';
import { nftExpression, nftExpressions } from '@podwire/kernel/nfnetlink';
import type { RawExpression } from './model.ts';

type Layouts = typeof nftExpressions;
type Name = keyof Layouts;

/** An expression of the kernel whose attributes are known. */
export type KnownExpression = {
  [K in Name]: { readonly name: K; readonly data: AttributesOf<Layouts[K]['rows']>; readonly raw: RawExpression };
}[Name];

/** ... or one of a later kernel. */
export type Instruction =
  | KnownExpression
  | { readonly name: 'unknown'; readonly data?: undefined; readonly raw: RawExpression };

export type InstructionOf<K extends Name> = Extract<KnownExpression, { name: K }>;

/** The children of NFTA_RULE_EXPRESSIONS. */
export function readInstructions(list: Buffer): Instruction[] {
  return readAttributes(list, 'rule expressions').map(({ payload }) => readInstruction(payload));
}

function readInstruction(payload: Buffer): Instruction {
  const { name = '' } = nftExpression.read(payload);
  const data = readAttributes(payload, 'expression').find(({ type }) => type === 2)?.payload ?? Buffer.alloc(0);
  const raw = { name, attributes: rawAttributes(data) };
  if (!Object.hasOwn(nftExpressions, name)) return { name: 'unknown', raw };
  const table = nftExpressions[name as Name];
  return { name, data: table.read(data), raw } as KnownExpression;
}

function rawAttributes(data: Buffer): RawExpression['attributes'] {
  return readAttributes(data, 'expression').map(({ type, payload }) => ({ type, payload: Buffer.from(payload) }));
}

/** What a register attribute says: the 4-byte word it begins at; undefined for the verdict register. */
export function wordOf(register: number | undefined): number | undefined {
  if (register === undefined || register === 0) return undefined;
  if (register <= 4) return (register - 1) * 4;
  if (register >= 8 && register < 24) return register - 8;
  throw new DecodeError(`register ${register}`);
}
