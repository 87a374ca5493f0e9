import type { StatusCause } from '../seam.ts';

/** Collects what is wrong with an object, in the words of the real server (apimachinery's field.Error). */
export class FieldErrors {
  readonly causes: StatusCause[] = [];
  readonly #known = new Set<string>();

  required(field: string, detail = ''): void {
    this.add('FieldValueRequired', field, join('Required value', detail));
  }

  invalid(field: string, value: unknown, detail: string): void {
    this.add('FieldValueInvalid', field, join(`Invalid value: ${formatValue(value)}`, detail));
  }

  unsupported(field: string, value: unknown, supported: readonly string[]): void {
    const list = supported.map((one) => JSON.stringify(one)).join(', ');
    this.add(
      'FieldValueNotSupported',
      field,
      join(`Unsupported value: ${formatValue(value)}`, `supported values: ${list}`),
    );
  }

  duplicate(field: string, value: unknown): void {
    this.add('FieldValueDuplicate', field, `Duplicate value: ${formatValue(value)}`);
  }

  notFound(field: string, value: unknown): void {
    this.add('FieldValueNotFound', field, `Not found: ${formatValue(value)}`);
  }

  forbidden(field: string, detail: string): void {
    this.add('FieldValueForbidden', field, join('Forbidden', detail));
  }

  tooLong(field: string, maximum: number): void {
    this.add('FieldValueTooLong', field, `Too long: may not be more than ${maximum} bytes`);
  }

  tooMany(field: string, actual: number, maximum: number): void {
    this.add('FieldValueTooMany', field, `Too many: ${actual}: must have at most ${maximum} items`);
  }

  /** One `Invalid value` per message; validators of text return such lists. */
  invalidEach(field: string, value: unknown, details: readonly string[]): void {
    for (const detail of details) this.invalid(field, value, detail);
  }

  private add(reason: string, field: string, message: string): void {
    const text = `${field}: ${message}`;
    if (this.#known.has(text)) return;
    this.#known.add(text);
    this.causes.push({ reason, field, message });
  }
}

function join(head: string, detail: string): string {
  return detail ? `${head}: ${detail}` : head;
}

function formatValue(value: unknown): string {
  return JSON.stringify(value) ?? 'null';
}
