import type { PolicyRule } from 'kubernetes-types/rbac/v1.js';
import type { Attributes } from './attributes.ts';
import { RuleTable } from './rule-table.ts';

interface Part {
  readonly rules: readonly PolicyRule[];
  /** `ClusterRoleBinding "a" of ClusterRole "view" to User "x"`. */
  readonly reason: string;
}

/** More roles than these get a table of their own for the subject. */
const FEW = 8;

/** Tables of single roles, shared by all who have them, for as long as the role's rules are these. */
const shared = new WeakMap<readonly PolicyRule[], RuleTable>();

/** What one subject is granted in one scope (the cluster, or a namespace). */
export class SubjectGrants {
  /** Roles that bindings name and nobody has. */
  readonly missing: string[] = [];
  readonly #parts = new Map<string, Part>();
  #own: RuleTable | undefined;

  /** The rules of a role; a role that several bindings give counts once. */
  add(role: string, part: Part): void {
    if (!this.#parts.has(role)) this.#parts.set(role, part);
  }

  rules(): readonly PolicyRule[] {
    return [...this.#parts.values()].flatMap(({ rules }) => rules);
  }

  /** The reason why it is allowed; undefined when it is not. */
  find(asked: Attributes): string | undefined {
    if (this.#parts.size > FEW) {
      this.#own ??= this.#merged();
      return this.#own.find(asked);
    }
    for (const { rules, reason } of this.#parts.values()) if (tableOf(rules).find(asked) !== undefined) return reason;
    return undefined;
  }

  #merged(): RuleTable {
    const table = new RuleTable();
    for (const { rules, reason } of this.#parts.values()) table.add(rules, reason);
    return table;
  }
}

function tableOf(rules: readonly PolicyRule[]): RuleTable {
  const known = shared.get(rules);
  if (known) return known;
  const table = new RuleTable();
  table.add(rules, '');
  shared.set(rules, table);
  return table;
}
