import type { FieldErrors } from '../../schema/field-errors.ts';
import { rulesOf } from '../cel/schema-rules.ts';
import { parseJsonPath } from '../json-path.ts';
import { type JsonSchema, memberSchema, type ValidationRule } from '../json-schema.ts';

const REASONS = ['FieldValueDuplicate', 'FieldValueForbidden', 'FieldValueInvalid', 'FieldValueRequired'];

/** Checks the rules of a schema that is structural, and compiles them. */
export function validateRules(root: JsonSchema, at: string, errors: FieldErrors): void {
  const before = errors.causes.length;
  validateFields(root, at, errors);
  if (errors.causes.length > before) return;
  for (const { path, value, why, isForbidden } of rulesOf(root).faults) {
    if (isForbidden) errors.forbidden(`${at}.${path}`, why);
    else errors.invalid(`${at}.${path}`, value, why);
  }
}

function validateFields(schema: JsonSchema, at: string, errors: FieldErrors): void {
  schema['x-kubernetes-validations']?.forEach((rule, index) => {
    validateRule(schema, rule, { at: `${at}.x-kubernetes-validations[${index}]`, errors });
  });
  for (const [name, below] of Object.entries(schema.properties ?? {}))
    validateFields(below, `${at}.properties[${name}]`, errors);
  const values = memberSchema({ ...schema, properties: {} }, '');
  if (values) validateFields(values, `${at}.additionalProperties`, errors);
  if (schema.items) validateFields(schema.items, `${at}.items`, errors);
}

function validateRule(
  schema: JsonSchema,
  rule: ValidationRule,
  { at, errors }: { at: string; errors: FieldErrors },
): void {
  const texts = [
    rule?.rule,
    rule?.message ?? '',
    rule?.messageExpression ?? '',
    rule?.reason ?? '',
    rule?.fieldPath ?? '',
  ];
  if (texts.some((text) => typeof text !== 'string')) {
    errors.invalid(at, rule, 'must be an object with the text of a rule');
    return;
  }
  const { message, reason, fieldPath } = rule;
  if (rule.rule.trim() === '') errors.required(`${at}.rule`, 'rule is not specified');
  if (message !== undefined && message.trim() === '')
    errors.invalid(`${at}.message`, message, 'message must be non-empty if specified');
  if (message?.includes('\n')) errors.invalid(`${at}.message`, message, 'message must not contain line breaks');
  if (rule.rule.includes('\n') && !message)
    errors.required(`${at}.message`, 'message must be specified if rule contains line breaks');
  if (reason !== undefined && !REASONS.includes(reason)) errors.unsupported(`${at}.reason`, reason, REASONS);
  if (fieldPath !== undefined && !leadsTo(schema, fieldPath)) {
    errors.invalid(`${at}.fieldPath`, fieldPath, 'fieldPath must be a valid path');
  }
}

/** Whether a simple path names a field of the schema; items of lists cannot be named. */
function leadsTo(schema: JsonSchema, path: string): boolean {
  if (!parseJsonPath(path) || /\[(?!['"])/.test(path)) return false;
  const names = [...path.matchAll(/\.([^.[]+)|\['((?:[^'\\]|\\.)*)'\]/g)].map(
    ([, plain, quoted]) => plain ?? quoted ?? '',
  );
  let at: JsonSchema | undefined = schema;
  for (const name of names) at = at && memberSchema(at, name);
  return at !== undefined;
}
