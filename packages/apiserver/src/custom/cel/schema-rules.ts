import type { Environment } from '@marcbachmann/cel-js';
import { isObject, type JsonSchema, valuesSchema } from '../json-schema.ts';
import { newEnvironment } from './environment.ts';
import { largestCount } from './largest-count.ts';
import { type CompiledRule, compileRule } from './rule.ts';
import { SchemaTypes } from './schema-types.ts';
import type { ValueType } from './value-type.ts';

interface RulesOfSchema {
  readonly type: ValueType;
  readonly rules: readonly CompiledRule[];
}

/** A rule that is not sound: `path` leads to it from the schema's root, `properties[spec].x-kubernetes-...[0].rule`. */
export interface SchemaFault {
  readonly path: string;
  readonly value: string;
  readonly why: string;
  readonly isForbidden: boolean;
}

/** All rules of a schema. */
export interface SchemaRules {
  readonly at: ReadonlyMap<JsonSchema, RulesOfSchema>;
  /** Schemas that have rules, or something in them has. */
  readonly relevant: ReadonlySet<JsonSchema>;
  readonly faults: readonly SchemaFault[];
}

const known = new WeakMap<JsonSchema, SchemaRules>();

/** The rules of the schema of whole objects, compiled when they are first asked for. */
export function rulesOf(root: JsonSchema): SchemaRules {
  const rules = known.get(root) ?? new Compiler().compile(root);
  known.set(root, rules);
  return rules;
}

interface Place {
  readonly path: string;
  /** Within a list whose items cannot be told apart; undefined: none. */
  readonly uncorrelated: string | undefined;
  /** How many of such places an object may have. */
  readonly times: number;
}

class Compiler {
  readonly #environment: Environment = newEnvironment();
  readonly #types = new SchemaTypes(this.#environment);
  readonly #at = new Map<JsonSchema, RulesOfSchema>();
  readonly #relevant = new Set<JsonSchema>();
  readonly #faults: SchemaFault[] = [];

  compile(root: JsonSchema): SchemaRules {
    if (this.#mark(root)) {
      // All types must be there before the first rule is compiled.
      this.#types.rootOf(root);
      this.#visit(root, { path: '', uncorrelated: undefined, times: 1 });
    }
    return { at: this.#at, relevant: this.#relevant, faults: this.#faults };
  }

  #mark(schema: JsonSchema): boolean {
    const below = children(schema).map(([, one]) => this.#mark(one));
    const isRelevant = below.includes(true) || (schema['x-kubernetes-validations']?.length ?? 0) > 0;
    if (isRelevant) this.#relevant.add(schema);
    return isRelevant;
  }

  #visit(schema: JsonSchema, place: Place): void {
    if (!this.#relevant.has(schema)) return;
    const rules = (schema['x-kubernetes-validations'] ?? []).flatMap((_, index) => this.#rule(schema, index, place));
    if (rules.length > 0) this.#at.set(schema, { type: this.#types.of(schema), rules });
    const isList = schema.type === 'array' && schema['x-kubernetes-list-type'] !== 'map';
    const isAtomic = schema['x-kubernetes-map-type'] === 'atomic';
    const uncorrelated = place.uncorrelated ?? (isList || isAtomic ? place.path : undefined);
    const isMany = schema.type === 'array' || valuesSchema(schema) !== undefined;
    const times = place.times * (isMany ? largestCount(schema) : 1);
    for (const [name, below] of children(schema)) {
      this.#visit(below, {
        times,
        path: place.path ? `${place.path}.${name}` : name,
        uncorrelated,
      });
    }
  }

  #rule(schema: JsonSchema, index: number, { path, uncorrelated, times }: Place): readonly CompiledRule[] {
    const rule = schema['x-kubernetes-validations']?.[index];
    if (!rule) return [];
    const at = `${path ? `${path}.` : ''}x-kubernetes-validations[${index}]`;
    const compiled = compileRule(this.#environment, { type: this.#types.of(schema), times }, rule);
    if ('why' in compiled) {
      const { field, why, isForbidden = false } = compiled;
      this.#faults.push({ path: `${at}.${field}`, value: rule[field] ?? '', why, isForbidden });
      return [];
    }
    if (compiled.isTransition && uncorrelated !== undefined) {
      const why = `oldSelf cannot be used on the uncorrelatable portion of the schema within ${uncorrelated}`;
      this.#faults.push({ path: `${at}.rule`, value: rule.rule, why, isForbidden: false });
      return [];
    }
    return [compiled];
  }
}

/** Schemas of what is in a value, with the words of a path to them. */
function children(schema: JsonSchema): readonly (readonly [path: string, schema: JsonSchema])[] {
  const { properties = {}, items } = schema;
  const values = valuesSchema(schema);
  return [
    ...Object.entries(properties).map(([name, one]) => [`properties[${name}]`, one] as const),
    ...(isObject(items) ? [['items', items as JsonSchema] as const] : []),
    ...(values ? [['additionalProperties', values] as const] : []),
  ];
}
