import type { Kind } from '@podwire/kube';
import { mergeApplied } from '../../core/apply-merge.ts';
import { itemsByElement } from '../../core/list-items.ts';
import { isObject, type JsonObject } from '../../core/patches.ts';
import type { ApiObject, Schema } from '../../seam.ts';

/** The part of a Schema that says what can be applied. */
export type FieldRules = Pick<Schema, 'mergeRule' | 'validateAndDefault'>;

/** Whose fields are applied. */
interface Applied {
  /** In the version of the object. */
  readonly kind: Kind;
  readonly schema: FieldRules;
}

/** An object with the fields of a configuration. Throws for fields it has none of, and for lists and maps that are one value. */
export function withConfiguration(object: ApiObject, configuration: JsonObject, { kind, schema }: Applied): ApiObject {
  const ruleAt = (path: readonly string[]) => schema.mergeRule(kind, path);
  const { apiVersion, kind: name, metadata } = object;
  const draft = { metadata: {}, ...configuration, apiVersion, kind: name };
  const { unknown, decodeError } = schema.validateAndDefault(kind, draft as unknown as ApiObject, {
    fieldValidation: 'Strict',
    apiVersion,
  });
  const why = decodeError ?? unknown.find((text) => text.startsWith('unknown field'));
  if (why !== undefined)
    throw new TypeError(`error applying patch: failed to convert patch object to typed object: ${why}`);
  const atomic = atomicPlaces(configuration, { path: [], text: '', ruleAt });
  if (atomic.length > 0) {
    const text = atomic.join(', ');
    throw new TypeError(
      `error applying patch: invalid ApplyConfiguration: may not mutate atomic arrays, maps or structs: ${text}`,
    );
  }
  const merged = mergeApplied(object as unknown as JsonObject, { ...configuration, apiVersion, kind: name }, ruleAt);
  return { ...merged, metadata: merged.metadata ?? metadata } as ApiObject;
}

interface Place {
  readonly path: readonly string[];
  /** `.spec.containers[0].args`. */
  readonly text: string;
  readonly ruleAt: (path: readonly string[]) => ReturnType<Schema['mergeRule']>;
}

function atomicPlaces(value: unknown, place: Place): readonly string[] {
  const { path, text, ruleAt } = place;
  if (Array.isArray(value)) {
    const own = itemsByElement(value, ruleAt(path)) === undefined ? [text] : [];
    return [...own, ...value.flatMap((item, index) => atomicPlaces(item, { ...place, text: `${text}[${index}]` }))];
  }
  if (!isObject(value)) return [];
  const own = path.length > 0 && ruleAt(path)?.mapType === 'atomic' ? [text] : [];
  const below = Object.entries(value).flatMap(([field, member]) =>
    atomicPlaces(member, { ruleAt, path: [...path, field], text: `${text}.${field}` }),
  );
  return [...own, ...below];
}
