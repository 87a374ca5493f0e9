import type { CustomResourceDefinitionVersion } from 'kubernetes-types/apiextensions/v1.js';
import type { FieldErrors } from '../../schema/field-errors.ts';
import { dnsLabel1035 } from '../../schema/names.ts';
import { parseJsonPath } from '../json-path.ts';
import { type JsonSchema, memberSchema } from '../json-schema.ts';
import type { PrinterColumn, ScalePaths } from './definition.ts';

const COLUMN_TYPES = ['boolean', 'date', 'integer', 'number', 'string'];
const SCALARS = ['string', 'boolean', 'integer'];
const MAX_SELECTABLE_FIELDS = 8;

/** Checks what a version has beside its schema. */
export function validateVersion(version: CustomResourceDefinitionVersion, at: string, errors: FieldErrors): void {
  const { name, deprecated, deprecationWarning, additionalPrinterColumns = [], subresources } = version;
  const { selectableFields = [] } = version as { selectableFields?: readonly { jsonPath: string }[] };
  if (name) errors.invalidEach(`${at}.name`, name, dnsLabel1035(name));
  if (deprecationWarning !== undefined && !deprecated) {
    errors.invalid(`${at}.deprecationWarning`, deprecationWarning, 'can only be set for deprecated versions');
  }
  additionalPrinterColumns.forEach((column, index) => {
    validateColumn(column, `${at}.additionalPrinterColumns[${index}]`, errors);
  });
  if (subresources?.scale) validateScale(subresources.scale, `${at}.subresources.scale`, errors);
  const schema = (version.schema?.openAPIV3Schema ?? {}) as JsonSchema;
  const field = `${at}.selectableFields`;
  if (selectableFields.length > MAX_SELECTABLE_FIELDS)
    errors.tooMany(field, selectableFields.length, MAX_SELECTABLE_FIELDS);
  selectableFields.forEach(({ jsonPath }, index) => {
    const path = `${field}[${index}].jsonPath`;
    const why = selectableFault(schema, jsonPath ?? '');
    if (jsonPath && why) errors.invalid(path, jsonPath, why);
    if (selectableFields.findIndex((other) => other.jsonPath === jsonPath) !== index) errors.duplicate(path, jsonPath);
  });
}

function validateColumn({ jsonPath, type }: PrinterColumn, at: string, errors: FieldErrors): void {
  if (type && !COLUMN_TYPES.includes(type)) {
    errors.invalid(`${at}.type`, type, `must be one of ${COLUMN_TYPES.join(',')}`);
  }
  if (jsonPath && !parseJsonPath(jsonPath)) {
    errors.invalid(`${at}.jsonPath`, jsonPath, 'is an invalid jsonpath');
  }
}

function validateScale(
  { specReplicasPath, statusReplicasPath, labelSelectorPath }: ScalePaths,
  at: string,
  errors: FieldErrors,
): void {
  const check = (field: string, path: string | undefined, roots: readonly string[]) => {
    if (!path || roots.some((root) => path.startsWith(`${root}.`))) return;
    errors.invalid(`${at}.${field}`, path, `should be a json path under ${roots.join(' or ')}`);
  };
  check('specReplicasPath', specReplicasPath, ['.spec']);
  check('statusReplicasPath', statusReplicasPath, ['.status']);
  check('labelSelectorPath', labelSelectorPath, ['.spec', '.status']);
}

/** What is wrong with a path that objects shall be selected by; undefined: nothing. */
function selectableFault(schema: JsonSchema, path: string): string | undefined {
  if (!/^(\.[A-Za-z_][\w-]*)+$/.test(path)) return 'is an invalid path: must be a simple path of field names';
  const names = path.split('.').slice(1);
  if (names[0] === 'metadata') return 'must not point to fields in metadata';
  let at: JsonSchema | undefined = schema;
  for (const name of names) at = at?.properties && memberSchema(at, name);
  if (!at) return `is an invalid path: does not refer to a valid field`;
  return SCALARS.includes(at.type ?? '')
    ? undefined
    : `must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.`;
}
