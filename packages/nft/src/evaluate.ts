import { prefixBounds, TYPES, type ValueType } from './data-type.ts';
import { lookupElement } from './element-lookup.ts';
import { CT, META, RT, SOCKET, setNamed, typesOf } from './expression-type.ts';
import { EXTENSIONS } from './extension-field.ts';
import { formatExpression, leftType } from './format-expression.ts';
import { isIpv6, UNKNOWN } from './header-bytes.ts';
import type { DataType, Expression, NamedSet, SetElement, Statement, Table, Value } from './model.ts';
import { encodeRaw, type Read, readCt, readMeta, readPayload } from './packet-value.ts';
import { encodeBounds, encodeValue } from './value.ts';
import { compareValues } from './value-order.ts';
import type { InterpretOptions, VirtualPacket } from './virtual-packet.ts';

export interface EvaluationContext {
  readonly table: Table;
  readonly packet: VirtualPacket;
  /** The packet as it entered the hook, for the connection's original tuple. */
  readonly entered: VirtualPacket;
  readonly options: InterpretOptions;
  /** Is told what of a rule the virtual packet gives no answer to; such a match fails. */
  readonly cannotTell?: (what: string) => void;
}

/** The parts of an expression's value, or undefined when the packet has no such field or a map no such key. */
export function evaluate(expression: Expression, context: EvaluationContext, type?: ValueType): Buffer[] | undefined {
  switch (expression.kind) {
    case 'value':
      return [encodeValue(type ?? 'mark', expression.value)];
    case 'concat':
      return evaluateAll(expression.parts, context);
    case 'map':
    case 'anonymous-map':
      return evaluateMap(expression, context);
    case 'bitwise':
    case 'shift':
      return compute(expression, context);
    default: {
      const read = readSingle(expression, context);
      if (read === UNKNOWN) context.cannotTell?.(formatExpression(expression, context.table));
      return read === undefined || read === UNKNOWN ? undefined : [read];
    }
  }
}

type Single = Exclude<Expression, { kind: 'value' | 'concat' | 'map' | 'anonymous-map' | 'bitwise' | 'shift' }>;

function readSingle(expression: Single, context: EvaluationContext): Read {
  const { packet, entered, options } = context;
  switch (expression.kind) {
    case 'payload':
    case 'raw-payload':
      return readPayload(expression, packet);
    case 'meta':
      return readMeta(expression.key, META[expression.key].type, packet, options);
    case 'ct':
      return readCt(expression.key, CT[expression.key].type, packet, entered);
    case 'fib':
      return fib(expression, context);
    case 'numgen':
    case 'jhash':
    case 'symhash':
      return TYPES.integer32.encode((options.choose?.(expression.modulus) ?? 0) + (expression.offset ?? 0));
    case 'rt':
      return encodeRaw(RT[expression.key].type, options.route?.(expression.key, packet) ?? UNKNOWN);
    case 'socket': {
      if (!options.socket) return UNKNOWN;
      return encodeRaw(SOCKET[expression.key].type, options.socket(expression.key, packet));
    }
    case 'extension':
      return EXTENSIONS[expression.field].op === 'ipv6' && isIpv6(packet) ? undefined : UNKNOWN;
    case 'osf':
      return UNKNOWN;
  }
}

function fib(expression: Extract<Expression, { kind: 'fib' }>, { table, packet, options }: EvaluationContext): Read {
  const { flags, result } = expression;
  const answer = options.fib?.({ flags, result }, packet);
  const nothing = result === 'type' ? 'unicast' : result === 'oif' ? 0 : '';
  return encodeRaw(typesOf(expression, table)?.[0] ?? 'mark', answer ?? nothing);
}

function evaluateAll(parts: readonly Expression[], context: EvaluationContext): Buffer[] | undefined {
  const values = parts.map((part) => evaluate(part, context));
  return values.every((value) => value !== undefined) ? values.flat() : undefined;
}

function evaluateMap(
  expression: Extract<Expression, { kind: 'map' | 'anonymous-map' }>,
  context: EvaluationContext,
): Buffer[] | undefined {
  const own = expression.kind === 'anonymous-map';
  const types = own ? expression.data : setNamed(context.table, expression.map).data;
  const element = own
    ? findOwnElement(expression.key, expression.elements, context)
    : findElement(expression.map, expression.key, context);
  if (!element?.data || 'kind' in element.data || !types || types === 'verdict') return undefined;
  return element.data.map((value, i) => encodeBounds(types[i] as DataType, value).from);
}

/** Numbers of at most 4 bytes, in the order of their type. */
function compute(
  expression: Extract<Expression, { kind: 'bitwise' | 'shift' }>,
  context: EvaluationContext,
): Buffer[] | undefined {
  const type = typesOf(expression.of, context.table)?.[0] ?? 'mark';
  const [bytes] = evaluate(expression.of, context) ?? [];
  if (!bytes || bytes.length > 4) return undefined;
  const host = TYPES[type].order === 'host';
  const number = host ? bytes.readUIntLE(0, bytes.length) : bytes.readUIntBE(0, bytes.length);
  const result = Buffer.alloc(bytes.length);
  const limit = 2 ** (8 * bytes.length);
  const value = (calculate(expression, number) >>> 0) % limit;
  if (host) result.writeUIntLE(value, 0, bytes.length);
  else result.writeUIntBE(value, 0, bytes.length);
  return [result];
}

function calculate(expression: Extract<Expression, { kind: 'bitwise' | 'shift' }>, number: number): number {
  if (expression.kind === 'bitwise') return (number & expression.mask) ^ expression.xor;
  return expression.direction === 'left' ? number << expression.bits : number >>> expression.bits;
}

/** The element of a set of this table that holds the key. */
export function findElement(name: string, key: Expression, context: EvaluationContext): SetElement | undefined {
  const set = setNamed(context.table, name);
  const value = evaluate(key, context);
  return value && lookupElement(set, value, context.options.dynamicElements?.(context.table.name, name) ?? []);
}

/** The element of a set that belongs to the rule. */
export function findOwnElement(
  key: Expression,
  elements: readonly SetElement[],
  context: EvaluationContext,
): SetElement | undefined {
  const value = evaluate(key, context);
  const types = (typesOf(key, context.table) ?? []) as NamedSet['key'];
  return value && lookupElement({ name: 'of the rule', key: types, interval: true, elements }, value, []);
}

/** Whether a match holds. */
export function matches(
  { left, op, right }: Extract<Statement, { kind: 'match' }>,
  context: EvaluationContext,
): boolean {
  if (right === 'exists' || right === 'missing') return isThere(left, context, right) === (op !== '!=');
  const type = leftType(left, context.table);
  const [value] = evaluate(left, context) ?? [];
  if (!value) return false;
  const list = Array.isArray(right) ? (right as readonly Value[]) : [right as Value];
  const exact = left.kind === 'bitwise' || left.kind === 'shift';
  if (TYPES[type].flags && exact) return allBits(type, list).equals(value) === (op === '==');
  if (TYPES[type].flags || type === 'ct_label') return sharesBit(value, allBits(type, list)) === (op !== '!=');
  if (op === '==' || op === '!=') return list.some((one) => holds(type, one, value)) === (op === '==');
  return ordered(type, value, { op, right: list[0] ?? 0 });
}

function isThere(left: Expression, context: EvaluationContext, wanted: 'exists' | 'missing'): boolean {
  if (left.kind === 'fib') {
    const { flags, result } = left;
    return (context.options.fib?.({ flags, result }, context.packet) !== undefined) === (wanted === 'exists');
  }
  const ipv6 = left.kind === 'extension' && EXTENSIONS[left.field].op === 'ipv6';
  if (!ipv6) context.cannotTell?.(formatExpression(left, context.table));
  return wanted === 'missing';
}

const sharesBit = (a: Buffer, b: Buffer): boolean => a.some((byte, i) => (byte & (b[i] ?? 0)) !== 0);

function allBits(type: ValueType, values: readonly Value[]): Buffer {
  const all = Buffer.alloc(TYPES[type].length);
  for (const value of values)
    encodeValue(type, value).forEach((byte, i) => {
      all[i] = (all[i] ?? 0) | byte;
    });
  return all;
}

function holds(type: ValueType, wanted: Value, value: Buffer): boolean {
  if (type === 'ifname' && typeof wanted === 'string' && wanted.endsWith('*'))
    return value.toString().startsWith(wanted.slice(0, -1));
  if (typeof wanted === 'string' && wanted.includes('/') && prefixBounds(wanted)?.from.length !== value.length)
    return false;
  const { from, to } = encodeBounds(type, wanted);
  return compareValues(type, from, value) <= 0 && compareValues(type, value, to) <= 0;
}

function ordered(
  type: ValueType,
  value: Buffer,
  { op, right }: { op: '<' | '<=' | '>' | '>='; right: Value },
): boolean {
  const sign = compareValues(type, value, encodeValue(type, right));
  return op === '<' ? sign < 0 : op === '<=' ? sign <= 0 : op === '>' ? sign > 0 : sign >= 0;
}
