import { formatDuration, type ValueType } from './data-type.ts';
import type { ElementStatement, Rate, SetElement, Verdict } from './model.ts';
import { checkName, formatComment } from './name.ts';
import { formatValue } from './value.ts';
import { whole } from './whole-number.ts';

/** What an element's text depends on: the types of a named set, or of one that belongs to a rule. */
export interface ElementTypes {
  readonly key: readonly ValueType[];
  readonly data?: readonly ValueType[] | 'verdict';
}

export function formatVerdict(verdict: Verdict): string {
  return verdict.kind === 'jump' || verdict.kind === 'goto'
    ? `${verdict.kind} ${checkName(verdict.chain)}`
    : verdict.kind;
}

/** Stands for every key that no other element matches. */
export const isCatchAll = ({ key }: SetElement): boolean => key.length === 1 && key[0] === '*';

/** One element in nft syntax, as it stands between the braces of a set. */
export function formatElement(types: ElementTypes, element: SetElement): string {
  const key = isCatchAll(element)
    ? '*'
    : element.key.map((value, i) => formatValue(types.key[i] ?? 'mark', value)).join(' . ');
  const options = [
    ...(element.statements ?? []).map(formatElementStatement),
    ...(element.timeout === undefined ? [] : [`timeout ${formatDuration(element.timeout)}`]),
    ...(element.expires === undefined ? [] : [`expires ${formatDuration(element.expires)}`]),
    ...formatComment(element.comment),
  ];
  return [key, ...options].join(' ') + formatData(types, element);
}

function formatData(types: ElementTypes, { data, object }: SetElement): string {
  if (object !== undefined) return ` : ${quoteName(object)}`;
  if (types.data === undefined || data === undefined) return '';
  if ('kind' in data) return ` : ${formatVerdict(data)}`;
  const dataTypes = types.data === 'verdict' ? [] : types.data;
  return ` : ${data.map((value, i) => formatValue(dataTypes[i] ?? 'mark', value)).join(' . ')}`;
}

export const quoteName = (name: string): string => `"${checkName(name)}"`;

/** `10/second burst 5 packets`, behind `limit rate`. */
export function formatRate({ rate, per, unit = 'packets', burst, over }: Rate): string {
  const bytes = unit === 'bytes';
  const amount = bytes ? `${whole(rate)} bytes` : whole(rate);
  const allowed = burst ?? (bytes ? 0 : 5);
  return `${over ? 'over ' : ''}${amount}/${per}${bytes && allowed === 0 ? '' : ` burst ${whole(allowed, 32)} ${unit}`}`;
}

export function formatElementStatement(statement: ElementStatement): string {
  switch (statement.kind) {
    case 'counter':
      return formatCounter(statement);
    case 'limit':
      return `limit rate ${formatRate(statement)}`;
    case 'quota':
      return `quota ${formatQuota(statement)}`;
    case 'ct-count':
      return `ct count ${statement.over ? 'over ' : ''}${whole(statement.count, 32)}`;
  }
}

function formatCounter({ packets, bytes }: Extract<ElementStatement, { kind: 'counter' }>): string {
  return packets === undefined && bytes === undefined
    ? 'counter'
    : `counter packets ${whole(packets ?? 0)} bytes ${whole(bytes ?? 0)}`;
}

export function formatQuota({ bytes, used, over }: { bytes: number; used?: number; over?: boolean }): string {
  return `${over ? 'over ' : ''}${whole(bytes)} bytes${used ? ` used ${whole(used)} bytes` : ''}`;
}
