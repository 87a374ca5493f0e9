import {
  type AttributeRow,
  type AttributeRows,
  type AttributesOf,
  type AttributeTable,
  codecParts,
} from './attribute.ts';
import type { Siblings } from './codec.ts';

type AnyCodec = AttributeRow[1];

/**
 * Attributes for people, one a line, by the kernel's names; nested tables are indented:
 *
 *   IFLA_IFNAME "eth0"
 *   IFLA_LINKINFO
 *     IFLA_INFO_KIND "veth"
 */
export function formatAttributes<R>(table: AttributeTable<R>, values: AttributesOf<R>): string {
  return tableLines(table.rows as AttributeRows, values as Siblings).join('\n');
}

function tableLines(rows: AttributeRows, values: Siblings): string[] {
  const known = Object.entries(rows).flatMap(([key, row]) => {
    return values[key] === undefined ? [] : rowLines(labelOf(key, row), row[1], values[key], values);
  });
  const unknown = ((values as AttributesOf<unknown>).unknown ?? []).map(
    ({ type, payload }) => `(${type}) ${payload.toString('hex')}`,
  );
  return [...known, ...unknown];
}

const labelOf = (key: string, [, , constant]: AttributeRow): string => constant ?? key;

function rowLines(label: string, codec: AnyCodec, value: unknown, siblings: Siblings): string[] {
  const { rows, element, item, dependsOn, choices } = codecParts(codec);
  if (rows) return [label, ...tableLines(rows, value as Siblings).map(indent)];
  const list = item ?? element;
  if (list) return (value as readonly unknown[]).flatMap((one) => rowLines(label, list, one, siblings));
  const chosen = dependsOn === undefined ? undefined : choices?.[String(siblings[dependsOn])];
  if (chosen && !(value instanceof Uint8Array)) return rowLines(label, chosen, value, siblings);
  return [`${label} ${formatValue(codec, value)}`.trimEnd()];
}

const indent = (line: string): string => `  ${line}`;

function formatValue(codec: AnyCodec, value: unknown): string {
  if ('format' in codec && codec.format) return (codec.format as (value: unknown) => string)(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  return JSON.stringify(value, (_, part) => (typeof part === 'bigint' ? String(part) : part));
}

/** One attribute for the documentation. */
export interface AttributeDescription {
  /** The property's name, with its parents' in front: `info.kind`. */
  readonly path: string;
  readonly type: number;
  /** The kernel's name, e.g. IFLA_INFO_KIND. */
  readonly constant: string | undefined;
  /** What the payload holds. */
  readonly payload: string;
}

/** Every attribute of the table, nested ones behind their parent; tables that hold themselves are opened once. */
export function describeAttributes<R>(table: AttributeTable<R>): AttributeDescription[] {
  return describeRows(table.rows as AttributeRows, '', new Set());
}

function describeRows(rows: AttributeRows, parent: string, open: ReadonlySet<unknown>): AttributeDescription[] {
  if (open.has(rows)) return [];
  const inside = new Set([...open, rows]);
  return Object.entries(rows).flatMap(([key, [type, codec, constant]]) => {
    const path = `${parent}${key}`;
    return [{ path, type, constant, payload: codec.name }, ...describeCodec(codec, path, inside)];
  });
}

function describeCodec(codec: AnyCodec, path: string, open: ReadonlySet<unknown>): AttributeDescription[] {
  const { rows, element, item, choices } = codecParts(codec);
  if (rows) return describeRows(rows, `${path}.`, open);
  const list = item ?? element;
  if (list) return describeCodec(list, `${path}[]`, open);
  return Object.entries(choices ?? {}).flatMap(([word, choice]) => describeCodec(choice, `${path}<${word}>`, open));
}
