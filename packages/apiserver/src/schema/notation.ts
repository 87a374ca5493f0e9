/** The scalar types of the Kubernetes API. Everything else is the name of a table. */
export const SCALARS = [
  'string',
  'int32',
  'int64',
  'number',
  'bool',
  'time',
  'microtime',
  'quantity',
  'intOrString',
  'bytes',
  'object',
  'any',
] as const;

/** How a list is merged by server-side apply, and how by a strategic merge patch. */
export interface ListShape {
  readonly type: 'atomic' | 'set' | 'map';
  /** The fields that identify an element of a `map`. */
  readonly keys: readonly string[];
}

export interface FieldSchema {
  readonly name: string;
  /** A scalar or the name of a table. */
  readonly type: string;
  readonly shape: 'one' | 'list' | 'map';
  /** Required in the published schema. */
  readonly required: boolean;
  /** Absent or empty is an error of validation. */
  readonly checked: boolean;
  readonly list?: ListShape;
  /** `x-kubernetes-patch-strategy` and `x-kubernetes-patch-merge-key`. */
  readonly patch?: { readonly strategy: string; readonly mergeKey?: string };
  /** A map that server-side apply replaces as a whole. */
  readonly atomicMap: boolean;
  readonly values?: readonly string[];
  readonly default?: unknown;
}

export interface TypeSchema {
  readonly name: string;
  readonly fields: ReadonlyMap<string, FieldSchema>;
}

/** A group of tables: type name to its fields in the notation of `parseType`. */
export type TypeTable = Readonly<Record<string, string>>;

const FIELD = /^([\w$-]+)([*+]?)(?::(\w+)(\[\]|\{\})?)?(?:@([\w,+-]+))?(?:\(([^)]*)\))?(?:=(\S+))?$/;

/**
 * Reads the fields of a type, separated by white space. A field is
 *
 *     name [*|+] [:type[ [] | {} ]] [@merge] [(value|value)] [=default]
 *
 * - `*` required and checked by validation, `+` required in the published schema only;
 * - type: a scalar (string unless said) or another table; `[]` a list of it, `{}` a map from string to it;
 * - merge of a list: `@key[,key]` a map with these keys, merged by the first in a strategic patch; `@set`; `+merge`,
 *   `+retainKeys` another patch strategy; `-nopatch` none; `@key+atomic` atomic but merged by key in a patch;
 *   of a map `@atomic`; of an object `@retainKeys`;
 * - `TypeMeta` alone stands for apiVersion, kind and metadata.
 */
export function parseType(name: string, text: string): TypeSchema {
  const fields = new Map<string, FieldSchema>();
  for (const word of text.split(/\s+/).filter(Boolean)) {
    const words = word === 'TypeMeta' ? ['apiVersion', 'kind', 'metadata:ObjectMeta'] : [word];
    for (const one of words) {
      const field = parseField(one);
      fields.set(field.name, field);
    }
  }
  return { name, fields };
}

function parseField(word: string): FieldSchema {
  const match = FIELD.exec(word);
  if (!match) throw new TypeError(`the schema notation does not parse: ${word}`);
  const [, name = '', flag, type = 'string', suffix, merge, values, fallback] = match;
  const shape = suffix === '[]' ? 'list' : suffix === '{}' ? 'map' : 'one';
  return {
    name,
    type,
    shape,
    required: flag === '*' || flag === '+',
    checked: flag === '*',
    atomicMap: shape === 'map' && merge === 'atomic',
    ...(shape === 'list' ? listShape(merge) : {}),
    ...(shape === 'one' && merge ? { patch: { strategy: merge } } : {}),
    ...(values === undefined ? {} : { values: values.split('|') }),
    ...(fallback === undefined ? {} : { default: parseDefault(type, fallback) }),
  };
}

function listShape(merge = ''): Pick<FieldSchema, 'list' | 'patch'> {
  const [target = '', option] = merge.split(/[+]/);
  const [keyText = '', noPatch] = target.split('-');
  const keys = keyText.split(',').filter(Boolean);
  const [first] = keys;
  if (first === undefined) return { list: { type: 'atomic', keys: [] } };
  if (first === 'set') {
    const list = { type: 'set', keys: [] } as const;
    return option === 'merge' ? { list, patch: { strategy: 'merge' } } : { list };
  }
  const list: ListShape = option === 'atomic' ? { type: 'atomic', keys: [] } : { type: 'map', keys };
  if (noPatch) return { list };
  return { list, patch: { strategy: option === 'retainKeys' ? 'merge,retainKeys' : 'merge', mergeKey: first } };
}

function parseDefault(type: string, text: string): unknown {
  if (type === 'int32' || type === 'int64') return Number(text);
  if (type === 'bool') return text === 'true';
  if (text === '{}') return {};
  return text;
}
