import { equalJson } from '@podwire/kube';
import type { StatusCause } from '../../seam.ts';
import { cause, invalidCause } from '../field-error.ts';
import { fieldPath, isObject, type JsonSchema, memberSchema, type ValidationRule } from '../json-schema.ts';
import { previousItems } from '../previous-items.ts';
import { Budget, BudgetError } from './budget.ts';
import type { CompiledRule } from './rule.ts';
import { rulesOf, type SchemaRules } from './schema-rules.ts';

const SPENT = 'validation failed due to running out of cost budget, no further validation rules will be run';

/** What the rules of a schema say against an object, and against the change from `old` to it. */
export function ruleCauses(schema: JsonSchema, object: unknown, old: unknown): readonly StatusCause[] {
  const rules = rulesOf(schema);
  if (rules.relevant.size === 0) return [];
  const run = new RuleRun(rules);
  run.visit(schema, object, '', old);
  return run.causes;
}

export function hasRules(schema: JsonSchema): boolean {
  return rulesOf(schema).relevant.size > 0;
}

/** One evaluation of all rules of an object. */
class RuleRun {
  readonly causes: StatusCause[] = [];
  readonly #rules: SchemaRules;
  readonly #budget = new Budget();

  constructor(rules: SchemaRules) {
    this.#rules = rules;
  }

  visit(schema: JsonSchema, value: unknown, path: string, old: unknown): void {
    if (!this.#rules.relevant.has(schema) || this.#budget.isSpent || value === null || value === undefined) return;
    this.#own(schema, value, path, old);
    if (Array.isArray(value)) {
      const before = previousItems(schema, value, old);
      const { items } = schema;
      if (items) for (const [i, item] of value.entries()) this.visit(items, item, `${path}[${i}]`, before[i]);
    } else if (isObject(value)) {
      const before = isObject(old) ? old : {};
      for (const [name, member] of Object.entries(value)) {
        const below = memberSchema(schema, name);
        const at = Object.hasOwn(schema.properties ?? {}, name) ? fieldPath(path, name) : `${path}[${name}]`;
        if (below) this.visit(below, member, at, Object.hasOwn(before, name) ? before[name] : undefined);
      }
    }
  }

  #own(schema: JsonSchema, value: unknown, path: string, old: unknown): void {
    const own = this.#rules.at.get(schema);
    if (!own) return;
    const isNew = old === undefined || old === null;
    // What was let in before its rules were made may stay as it is.
    const unchanged = !isNew && equalJson(value, old);
    const wanted = own.rules.filter(({ isTransition }) => (isTransition ? !isNew : !unchanged));
    const self = wanted.length > 0 ? own.type.convert(value) : undefined;
    if (self === undefined) return;
    const oldSelf = isNew ? undefined : own.type.convert(old);
    for (const rule of wanted) {
      if (this.#budget.isSpent) return;
      const found = this.#judge(rule, { self, oldSelf, path, type: schema.type ?? 'object' });
      if (found) this.causes.push(found);
    }
  }

  #judge(compiled: CompiledRule, about: Judged): StatusCause | undefined {
    const { rule, evaluate } = compiled;
    const { self, oldSelf, path, type } = about;
    try {
      if (this.#budget.run(() => evaluate(self, oldSelf)) === true) return undefined;
    } catch (error) {
      if (!(error instanceof BudgetError)) {
        return invalidCause(path, type, `${summaryOf(error)} evaluating rule: ${nameOf(rule)}`);
      }
      if (this.#budget.isSpent) return invalidCause(path, type, SPENT);
      const why = 'no further validation rules will be run due to call cost exceeds limit for rule';
      return invalidCause(path, type, `'${error.message}': ${why}: ${nameOf(rule)}`);
    }
    return refusal(rule, this.#detail(compiled, about), about);
  }

  #detail({ rule, message }: CompiledRule, { self, oldSelf }: Judged): string {
    const fallback = rule.message?.trim() || `failed rule: ${rule.rule.trim()}`;
    if (!message) return fallback;
    try {
      const text = this.#budget.run(() => message(self, oldSelf));
      return typeof text === 'string' && text.trim() !== '' && !text.includes('\n') ? text : fallback;
    } catch {
      return fallback;
    }
  }
}

interface Judged {
  readonly self: unknown;
  readonly oldSelf: unknown;
  readonly path: string;
  readonly type: string;
}

function nameOf({ rule, message }: ValidationRule): string {
  return (message ?? rule).trim();
}

function summaryOf(error: unknown): string {
  const { summary, message } = error as { summary?: string; message?: string };
  return (summary ?? message ?? String(error)).replace(/^N(?=o such key)/, 'n');
}

function refusal(
  { reason, fieldPath: below = '' }: ValidationRule,
  detail: string,
  { path, type }: Judged,
): StatusCause {
  const at = path + (path === '' ? plainPath(below).replace(/^\./, '') : plainPath(below));
  switch (reason) {
    case 'FieldValueForbidden':
      return cause(reason, at, `Forbidden: ${detail}`);
    case 'FieldValueRequired':
      return cause(reason, at, `Required value: ${detail}`);
    case 'FieldValueDuplicate':
      return cause(reason, at, `Duplicate value: ${JSON.stringify(type)}: ${detail}`);
    default:
      return invalidCause(at, type, detail);
  }
}

/** `.a['b']` as messages write it: `.a.b`. */
function plainPath(path: string): string {
  return path.replace(/\['((?:[^'\\]|\\.)*)'\]/g, (_, name: string) => `.${name.replace(/\\(.)/g, '$1')}`);
}
