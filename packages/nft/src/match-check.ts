import { nftError } from './errors.ts';
import { EXTENSIONS, FIELDS } from './expression-type.ts';
import { fieldShape } from './field-shape.ts';
import type { Expression, Value } from './model.ts';
import { encodeBounds } from './value.ts';

/** Throws NFT_BAD_VALUE when a value has more bits than the field it is compared with. */
export function checkField(left: Expression, right: Value | readonly Value[]): void {
  if (left.kind === 'ct' && left.key === 'label' && Array.isArray(right))
    throw nftError('NFT_BAD_RULESET', 'ct label is compared with one label at a time');
  if (left.kind !== 'payload' && left.kind !== 'extension') return;
  const info = left.kind === 'payload' ? FIELDS[left.field] : EXTENSIONS[left.field];
  const { type, bits } = info;
  if (!type || !fieldShape(info).mask) return;
  const values = Array.isArray(right) ? (right as readonly Value[]) : [right as Value];
  for (const value of values)
    if (BigInt(`0x${encodeBounds(type, value).to.toString('hex')}`) >> BigInt(bits) !== 0n)
      throw nftError('NFT_BAD_VALUE', `${JSON.stringify(value)} does not fit into the ${bits} bits of ${left.field}`);
}
