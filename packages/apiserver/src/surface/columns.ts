import type { Container, PodSpec } from 'kubernetes-types/core/v1.js';
import type { LabelSelector } from 'kubernetes-types/meta/v1.js';

/** Null: nothing to show. */
export type Cell = string | number | boolean | null;

/** One column of a Table. Names are as the real server sends them; kubectl writes them in capitals. */
export interface Column<T> {
  readonly name: string;
  readonly type: string;
  /** Shown by `-o wide` only. */
  readonly wide: boolean;
  /** Of columns of custom resources. */
  readonly priority?: number;
  readonly format?: string | undefined;
  readonly description?: string | undefined;
  /** `now` in milliseconds, for ages. */
  readonly cell: (object: T, now: number) => Cell;
}

export function text<T>(name: string, cell: (object: T, now: number) => Cell): Column<T> {
  return { name, type: 'string', wide: false, cell };
}

export function count<T>(name: string, cell: (object: T) => number | undefined): Column<T> {
  return { name, type: 'integer', wide: false, cell: (object) => cell(object) ?? 0 };
}

export function wide<T>(name: string, cell: (object: T, now: number) => Cell): Column<T> {
  return { ...text(name, cell), wide: true };
}

export const NONE = '<none>';

export function formatLabels(labels: Readonly<Record<string, string>> | undefined): string {
  const pairs = Object.entries(labels ?? {}).map(([key, value]) => `${key}=${value}`);
  return pairs.length > 0 ? pairs.sort().join(',') : NONE;
}

export function formatSelector(selector: LabelSelector | undefined): string {
  const equal = Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`);
  const terms = (selector?.matchExpressions ?? []).map(({ key, operator, values = [] }) => {
    if (operator === 'Exists') return key;
    if (operator === 'DoesNotExist') return `!${key}`;
    return `${key} ${operator.toLowerCase()} (${values.join(',')})`;
  });
  const all = [...equal, ...terms].sort();
  return all.length > 0 ? all.join(',') : NONE;
}

/** The first three, and how many more there are. */
export function firstThree(items: readonly string[], empty: string): string {
  if (items.length === 0) return empty;
  const shown = items.slice(0, 3).join(',');
  return items.length > 3 ? `${shown} + ${items.length - 3} more...` : shown;
}

type WithTemplate = { readonly spec?: { readonly template?: { readonly spec?: PodSpec } } };

/** CONTAINERS and IMAGES of anything with a pod template, by default in `spec.template`. */
export function templateColumns<T>(
  specOf: (object: T) => PodSpec | undefined = (object) => (object as WithTemplate).spec?.template?.spec,
): readonly Column<T>[] {
  const listed = (field: (container: Container) => string | undefined) => (object: T) =>
    (specOf(object)?.containers ?? []).map((container) => field(container) ?? '').join(',');
  return [
    wide(
      'Containers',
      listed(({ name }) => name),
    ),
    wide(
      'Images',
      listed(({ image }) => image),
    ),
  ];
}
