import { invalid } from './status.ts';

/** Whether a write is only to be tried; throws 422 for whatever `All` is not. */
export function dryRunOf(options: string, values: readonly string[]): boolean {
  if (values.every((value) => value === 'All')) return values.length > 0;
  const given = `[]string{${values.map((value) => JSON.stringify(value)).join(', ')}}`;
  const message = `Unsupported value: ${given}: supported values: "All"`;
  const cause = { reason: 'FieldValueNotSupported', message, field: 'dryRun' };
  throw invalid({ group: 'meta.k8s.io', kind: options }, '', [cause]);
}
