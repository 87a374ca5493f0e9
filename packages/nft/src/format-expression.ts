import { TYPES, type ValueType } from './data-type.ts';
import { nftError } from './errors.ts';
import { FIELDS, typesOf } from './expression-type.ts';
import type { Expression, Table, Value } from './model.ts';
import { checkName } from './name.ts';
import { formatValue } from './value.ts';

/** nft syntax of an expression. A bare constant needs `type`, that of what it is assigned to. */
export function formatExpression(expression: Expression, table: Table, type?: ValueType): string {
  switch (expression.kind) {
    case 'value':
      if (!type)
        throw nftError(
          'NFT_BAD_RULESET',
          `a constant ${JSON.stringify(expression.value)} stands where its type is unknown`,
        );
      return formatValue(type, expression.value);
    case 'payload':
      return FIELDS[expression.field].text ?? expression.field;
    case 'meta':
      return `meta ${expression.key}`;
    case 'ct':
      return `ct ${expression.key}`;
    case 'fib':
      return `fib ${expression.flags.join(' . ')} ${expression.result}`;
    case 'numgen':
      return `numgen ${expression.mode} mod ${expression.modulus}${offsetText(expression.offset)}`;
    case 'jhash':
      return `jhash ${formatExpression(expression.of, table)} mod ${expression.modulus}${
        expression.seed === undefined ? '' : ` seed 0x${expression.seed.toString(16)}`
      }${offsetText(expression.offset)}`;
    case 'concat':
      return expression.parts.map((part) => formatExpression(part, table)).join(' . ');
    case 'map':
      return `${formatExpression(expression.key, table)} map @${checkName(expression.map)}`;
    case 'bitwise':
      return formatBitwise(expression, table);
  }
}

const offsetText = (offset: number | undefined): string => (offset ? ` offset ${offset}` : '');

function formatBitwise({ of, mask, xor }: Extract<Expression, { kind: 'bitwise' }>, table: Table): string {
  const keep = mask >>> 0 === 0xffffffff ? '' : ` & ${formatMask(mask)}`;
  const flip = xor === 0 ? '' : ` ^ ${formatMask(xor)}`;
  return `${formatExpression(of, table)}${keep}${flip}`;
}

const formatMask = (mask: number): string => `0x${(mask >>> 0).toString(16).padStart(8, '0')}`;

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
