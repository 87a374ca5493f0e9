import type { StatusCause } from '../seam.ts';
import { invalidCause } from './field-error.ts';
import type { JsonSchema } from './json-schema.ts';
import { valueCauses } from './value-validation.ts';

/** allOf, anyOf, oneOf and not. What fails is reported of the whole object, as Kubernetes does. */
export function combinationCauses(schema: JsonSchema, value: unknown, path: string): StatusCause[] {
  const { allOf, anyOf, oneOf, not } = schema;
  const name = JSON.stringify(path);
  const causes: StatusCause[] = [];
  const report = (what: string) => void causes.push(invalidCause('', '', `${name} ${what}`));
  if (anyOf?.length && !anyOf.some((one) => isValid(one, value, path))) {
    report('must validate at least one schema (anyOf)');
    causes.push(...closest(anyOf, value, path));
  }
  if (oneOf?.length) {
    const valid = oneOf.filter((one) => isValid(one, value, path)).length;
    if (valid !== 1) {
      const found = valid === 0 ? 'none valid' : `${valid} valid alternatives`;
      report(`must validate one and only one schema (oneOf). Found ${found}`);
    }
    if (valid === 0) causes.push(...closest(oneOf, value, path));
  }
  const wrong = allOf?.flatMap((one) => valueCauses(one, value, path)) ?? [];
  if (wrong.length > 0) {
    report('must validate all the schemas (allOf)');
    causes.push(...wrong);
  }
  if (not && isValid(not, value, path)) report('must not validate the schema (not)');
  return causes;
}

function isValid(schema: JsonSchema, value: unknown, path: string): boolean {
  return valueCauses(schema, value, path).length === 0;
}

/** What is wrong by the alternative that has the least against the value. */
function closest(schemas: readonly JsonSchema[], value: unknown, path: string): readonly StatusCause[] {
  const all = schemas.map((one) => valueCauses(one, value, path));
  return all.reduce((best, next) => (next.length < best.length ? next : best));
}
