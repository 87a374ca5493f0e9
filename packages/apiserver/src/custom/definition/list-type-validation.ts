import type { FieldErrors } from '../../schema/field-errors.ts';
import type { JsonSchema } from '../json-schema.ts';

/** Checks x-kubernetes-list-type and -map-type: that items of sets and maps can be told apart. */
export function validateListType(schema: JsonSchema, at: string, errors: FieldErrors): void {
  const type = schema['x-kubernetes-list-type'];
  const mapType = schema['x-kubernetes-map-type'];
  const keys = schema['x-kubernetes-list-map-keys'] ?? [];
  if (type !== undefined) {
    if (schema.type !== 'array')
      errors.invalid(`${at}.type`, schema.type ?? '', 'must be array if x-kubernetes-list-type is specified');
    if (!['atomic', 'set', 'map'].includes(type))
      errors.unsupported(`${at}.x-kubernetes-list-type`, type, ['atomic', 'set', 'map']);
  }
  if (mapType !== undefined) {
    if (schema.type !== 'object')
      errors.invalid(`${at}.type`, schema.type ?? '', 'must be object if x-kubernetes-map-type is specified');
    if (!['atomic', 'granular'].includes(mapType))
      errors.unsupported(`${at}.x-kubernetes-map-type`, mapType, ['atomic', 'granular']);
  }
  if (keys.length > 0 && type !== 'map') {
    errors.invalid(
      `${at}.x-kubernetes-list-type`,
      type ?? '',
      'must be map if x-kubernetes-list-map-keys is non-empty',
    );
  }
  if (type === 'map') validateKeys(schema, keys, { at, errors });
  if (type === 'set') validateSet(schema, at, errors);
}

function validateKeys(
  schema: JsonSchema,
  keys: readonly string[],
  { at, errors }: { at: string; errors: FieldErrors },
): void {
  const field = `${at}.x-kubernetes-list-map-keys`;
  if (keys.length === 0) errors.required(field, 'must not be empty if x-kubernetes-list-type is map');
  const { type, properties = {}, required = [] } = schema.items ?? {};
  if (type !== 'object')
    errors.invalid(`${at}.items.type`, type ?? '', "must be object if parent array's x-kubernetes-list-type is map");
  keys.forEach((key, index) => {
    const property = properties[key];
    if (keys.indexOf(key) !== index) errors.duplicate(`${field}[${index}]`, key);
    if (!property) {
      errors.invalid(`${field}[${index}]`, key, 'entries must all be names of item properties');
    } else if (['array', 'object'].includes(property.type ?? '')) {
      errors.invalid(
        `${at}.items.properties[${key}].type`,
        property.type,
        "must be a scalar type if parent array's x-kubernetes-list-type is map",
      );
    } else if (!required.includes(key) && property.default === undefined) {
      const why = 'this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property';
      errors.required(`${at}.items.properties[${key}].default`, why);
    }
  });
}

function validateSet({ items }: JsonSchema, at: string, errors: FieldErrors): void {
  const isAtomicMap = items?.type === 'object' && items['x-kubernetes-map-type'] === 'atomic';
  const isAtomicList = items?.type === 'array' && (items['x-kubernetes-list-type'] ?? 'atomic') === 'atomic';
  if (items?.type === 'object' && !isAtomicMap) {
    const why = 'must be atomic as item of a list with x-kubernetes-list-type=set';
    errors.invalid(`${at}.items.x-kubernetes-map-type`, items['x-kubernetes-map-type'] ?? '', why);
  }
  if (items?.type === 'array' && !isAtomicList) {
    const why = 'must be atomic as item of a list with x-kubernetes-list-type=set';
    errors.invalid(`${at}.items.x-kubernetes-list-type`, items['x-kubernetes-list-type'], why);
  }
}
