import type { AttributeWriter } from './attribute-writer.ts';
import { TYPES, type ValueType } from './data-type.ts';
import { writeElementStatement } from './encode-state.ts';
import { lengthOf } from './expression-type.ts';
import type { ElementStatement, NamedSet, Verdict } from './model.ts';
import { checkName } from './name.ts';
import { setUserdata } from './userdata.ts';
import { milliseconds, whole } from './whole-number.ts';
import {
  DATA,
  DESCRIPTION,
  LIST_ELEMENT,
  OBJECT_TYPE,
  SET,
  SET_FLAG,
  VERDICT,
  VERDICT_CODE,
  VERDICT_TYPE,
} from './wire.ts';

/** A set as the kernel sees it: a named one of a table, or one that belongs to a rule and may have types of expressions. */
export interface SetShape extends Omit<NamedSet, 'key' | 'data' | 'elements'> {
  readonly key: readonly ValueType[];
  readonly data?: readonly ValueType[] | 'verdict';
  readonly anonymous?: boolean;
}

/** nft's number for a concatenation: 6 bits a part. */
export function concatType(types: readonly ValueType[]): number {
  return types.reduce((all, type) => all * 64 + TYPES[type].number, 0);
}

/** nft's limit for sets that rules fill; without one they would grow without end. */
export const DYNAMIC_SIZE = 65_535;

export function sizeOf({ size, dynamic }: Pick<NamedSet, 'size' | 'dynamic'>): number | undefined {
  return size ?? (dynamic ? DYNAMIC_SIZE : undefined);
}

/** What each element of the set keeps. */
export function statementsOf({
  counter,
  statements = [],
}: Pick<NamedSet, 'counter' | 'statements'>): readonly ElementStatement[] {
  return counter ? [{ kind: 'counter' }, ...statements] : statements;
}

/** The kernel's flags of a set. */
function flagsOf(set: SetShape): number {
  return (
    (set.anonymous ? SET_FLAG.anonymous : 0) |
    (set.anonymous || set.constant ? SET_FLAG.constant : 0) |
    (set.interval ? SET_FLAG.interval | (set.key.length > 1 ? SET_FLAG.concat : 0) : 0) |
    (set.data === undefined ? 0 : SET_FLAG.map) |
    (set.objects === undefined ? 0 : SET_FLAG.object) |
    (set.timeout !== undefined || set.hasTimeouts ? SET_FLAG.timeout : 0) |
    (set.dynamic ? SET_FLAG.eval : 0) |
    (statementsOf(set).length > 1 ? SET_FLAG.expressions : 0)
  );
}

/** Attributes of NFT_MSG_NEWSET after the table. */
export function writeSet(out: AttributeWriter, set: SetShape, id: number, keyLength = lengthOf(set.key)): void {
  out
    .text(SET.name, set.anonymous ? set.name : checkName(set.name))
    .u32(SET.flags, flagsOf(set))
    .u32(SET.keyType, concatType(set.key))
    .u32(SET.keyLength, keyLength);
  if (set.data === 'verdict') out.u32(SET.dataType, VERDICT_TYPE).u32(SET.dataLength, 0);
  else if (set.data) out.u32(SET.dataType, concatType(set.data)).u32(SET.dataLength, dataLength(set, set.data));
  if (set.objects !== undefined) out.u32(SET.objectType, OBJECT_TYPE[set.objects]);
  if (set.policy === 'memory') out.u32(SET.policy, 1);
  out.nest(SET.description, () => writeDescription(out, set));
  out.u32(SET.id, id);
  if (set.timeout !== undefined) out.u64(SET.timeout, milliseconds(set.timeout));
  if (set.gcInterval !== undefined) out.u32(SET.gcInterval, milliseconds(set.gcInterval, 32));
  out.bytes(SET.userdata, setUserdata(set));
  writeStatements(out, statementsOf(set), { one: SET.expression, many: SET.expressions });
}

/** Intervals as data are their first and their last value. */
function dataLength(set: SetShape, data: readonly ValueType[]): number {
  const length = lengthOf(data);
  return set.dataInterval ? 2 * ((length + 3) & ~3) : length;
}

/** One expression stands alone, several are a list. */
export function writeStatements(
  out: AttributeWriter,
  statements: readonly ElementStatement[],
  attribute: { readonly one: number; readonly many: number },
): void {
  const [first] = statements;
  if (!first) return;
  if (statements.length === 1) out.nest(attribute.one, () => writeElementStatement(out, first));
  else
    out.nest(attribute.many, () => {
      for (const statement of statements) out.nest(LIST_ELEMENT, () => writeElementStatement(out, statement));
    });
}

function writeDescription(out: AttributeWriter, set: SetShape): void {
  const size = sizeOf(set);
  if (size !== undefined) out.u32(DESCRIPTION.size, whole(size, 32));
  if (!set.interval || set.key.length === 1) return;
  out.nest(DESCRIPTION.concat, () => {
    for (const type of set.key) out.nest(LIST_ELEMENT, () => out.u32(DESCRIPTION.fieldLength, TYPES[type].length));
  });
}

export function writeVerdict(out: AttributeWriter, verdict: Verdict): void {
  out.nest(DATA.verdict, () => {
    out.u32(VERDICT.code, VERDICT_CODE[verdict.kind]);
    if ('chain' in verdict) out.text(VERDICT.chain, checkName(verdict.chain));
  });
}
