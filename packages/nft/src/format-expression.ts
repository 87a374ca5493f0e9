import { TYPES, type ValueType } from './data-type.ts';
import { nftError } from './errors.ts';
import { EXTENSIONS, FIELDS, META, RT, typesOf } from './expression-type.ts';
import { formatElement } from './format-element.ts';
import type { Expression, Table, Value } from './model.ts';
import { checkName } from './name.ts';
import { CT } from './packet-key.ts';
import { formatValue } from './value.ts';
import { whole } from './whole-number.ts';

type ExpressionOf<K extends Expression['kind']> = Extract<Expression, { kind: K }>;

/** nft syntax of an expression. A bare constant needs `type`, that of what it is assigned to. */
export function formatExpression(expression: Expression, table: Table, type?: ValueType): string {
  switch (expression.kind) {
    case 'value':
      return formatConstant(expression.value, type);
    case 'payload':
      return known(FIELDS, expression.field);
    case 'raw-payload':
      return formatRaw(expression);
    case 'extension':
      return known(EXTENSIONS, expression.field);
    case 'meta':
      return `meta ${known(META, expression.key)}`;
    case 'ct':
      return `ct ${known(CT, expression.key)}`;
    case 'rt':
      return `rt ${known(RT, expression.key)}`;
    case 'socket':
      return formatSocket(expression);
    case 'osf':
      return `osf ${expression.ttl === undefined ? '' : `ttl ${expression.ttl} `}${expression.version ? 'version' : 'name'}`;
    case 'fib':
      return `fib ${expression.flags.join(' . ')} ${expression.result}`;
    default:
      return formatComputed(expression, table);
  }
}

type Computed = ExpressionOf<'numgen' | 'jhash' | 'symhash' | 'concat' | 'map' | 'anonymous-map' | 'bitwise' | 'shift'>;

function formatComputed(expression: Computed, table: Table): string {
  switch (expression.kind) {
    case 'numgen':
      return `numgen ${expression.mode} mod ${whole(expression.modulus, 32)}${offsetText(expression.offset)}`;
    case 'jhash':
      return `jhash ${formatExpression(expression.of, table)} mod ${whole(expression.modulus, 32)}${
        expression.seed === undefined ? '' : ` seed 0x${whole(expression.seed, 32).toString(16)}`
      }${offsetText(expression.offset)}`;
    case 'symhash':
      return `symhash mod ${whole(expression.modulus, 32)}${offsetText(expression.offset)}`;
    case 'concat':
      return expression.parts.map((part) => formatExpression(part, table)).join(' . ');
    case 'map':
      return `${formatExpression(expression.key, table)} map @${checkName(expression.map)}`;
    case 'anonymous-map':
      return `${formatExpression(expression.key, table)} map ${formatAnonymousMap(expression, table)}`;
    case 'bitwise':
      return formatBitwise(expression, table);
    case 'shift':
      return `${formatExpression(expression.of, table)} ${expression.direction === 'left' ? '<<' : '>>'} ${whole(expression.bits, 32)}`;
  }
}

/** The name, if it is one: what comes from outside must not become syntax. */
function known(names: object, name: string): string {
  if (!Object.hasOwn(names, name))
    throw nftError('NFT_BAD_RULESET', `"${name}" is not something nft can read of a packet`);
  return name;
}

function formatConstant(value: Value, type: ValueType | undefined): string {
  if (!type) throw nftError('NFT_BAD_RULESET', `a constant ${JSON.stringify(value)} stands where its type is unknown`);
  return formatValue(type, value);
}

const RAW_BASES = { link: 'll', network: 'nh', transport: 'th' } as const;

function formatRaw({ base, offset, length }: ExpressionOf<'raw-payload'>): string {
  return `@${RAW_BASES[base]},${whole(offset)},${whole(length)}`;
}

function formatSocket({ key, level }: ExpressionOf<'socket'>): string {
  return key === 'cgroupv2' ? `socket cgroupv2 level ${whole(level ?? 1, 32)}` : `socket ${key}`;
}

const offsetText = (offset: number | undefined): string => (offset ? ` offset ${whole(offset, 32)}` : '');

function formatAnonymousMap({ key, data, elements }: ExpressionOf<'anonymous-map'>, table: Table): string {
  const types = { key: keyTypes(key, table), data };
  return `{ ${elements.map((element) => formatElement(types, element)).join(', ')} }`;
}

/** The types of a key that is looked up. */
export function keyTypes(key: Expression, table: Table): readonly ValueType[] {
  const types = typesOf(key, table);
  if (!types) throw nftError('NFT_BAD_RULESET', 'a constant cannot be looked up');
  return types;
}

function formatBitwise({ of, mask, xor }: ExpressionOf<'bitwise'>, table: Table): string {
  const type = typesOf(of, table)?.[0] ?? 'mark';
  const all = TYPES[type].length >= 4 ? 0xffffffff : 2 ** (8 * TYPES[type].length) - 1;
  const keep = mask >>> 0 === all ? '' : ` & ${formatMask(type, mask)}`;
  const flip = xor === 0 ? '' : ` ^ ${formatMask(type, xor)}`;
  return `${formatExpression(of, table)}${keep}${flip}`;
}

function formatMask(type: ValueType, mask: number): string {
  if (type === 'ipv4_addr')
    return TYPES.ipv4_addr.format([24, 16, 8, 0].map((shift) => (mask >>> shift) & 255).join('.'));
  if (TYPES[type].flags && mask !== 0) return `(${TYPES[type].format(mask).replaceAll(',', ' | ')})`;
  return `0x${(mask >>> 0).toString(16).padStart(type === 'mark' ? 8 : 1, '0')}`;
}

/** The right side of a match: flags joined with commas, other lists as an anonymous set. */
export function formatRight(type: ValueType, right: Value | readonly Value[]): string {
  if (!Array.isArray(right)) return formatValue(type, right as Value);
  const values = (right as readonly Value[]).map((value) => formatValue(type, value));
  if (TYPES[type].flags) return values.join(',');
  return `{ ${values.join(', ')} }`;
}

export function leftType(expression: Expression, table: Table): ValueType {
  const types = expression.kind === 'map' ? undefined : typesOf(expression, table);
  if (types?.length !== 1)
    throw nftError(
      'NFT_BAD_RULESET',
      'the left side of a match must be one value read from the packet; look concatenations up in a set, and put what a map yields into the mark first',
    );
  return types[0] as ValueType;
}
