import type { StatusCause } from '../seam.ts';

/** How a value is shown in a message: Kubernetes shows whole objects and lists by their type. */
export function shown(value: unknown): string {
  return JSON.stringify(value) ?? 'null';
}

export function cause(reason: string, field: string, message: string): StatusCause {
  return { reason, field: field || '<nil>', message };
}

export function invalidCause(field: string, value: unknown, detail: string): StatusCause {
  return cause('FieldValueInvalid', field, `Invalid value: ${shown(value)}: ${detail}`);
}

export function typeCause(field: string, value: unknown, detail: string): StatusCause {
  return cause('FieldValueTypeInvalid', field, `Invalid value: ${shown(value)}: ${detail}`);
}

/** Causes after which rules are not run: they may rely on what is missing or of another type. */
export function blocksRules({ reason }: StatusCause): boolean {
  return ['FieldValueRequired', 'FieldValueTooLong', 'FieldValueTooMany', 'FieldValueTypeInvalid'].includes(
    reason ?? '',
  );
}
