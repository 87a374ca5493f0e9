import type { PolicyRule } from 'kubernetes-types/rbac/v1.js';
import type { Attributes } from './attributes.ts';
import { resourceText } from './attributes.ts';
import { ruleAllows } from './rule.ts';

/** A rule somebody has, and how they come to it. */
export interface Grant {
  readonly rule: PolicyRule;
  /** `ClusterRoleBinding "a" of ClusterRole "view" to User "x"`. */
  readonly reason: string;
}

/**
 * The grants one subject has in one scope (the cluster, or a namespace), by what they are for: a subject of thousands
 * of bindings is answered from the few that name the resource.
 */
export class SubjectGrants {
  readonly all: Grant[] = [];
  /** Roles that bindings name and nobody has. */
  readonly missing: string[] = [];
  readonly #roles = new Set<string>();
  readonly #byResource = new Map<string, Grant[]>();
  readonly #forPaths: Grant[] = [];

  /** The rules of a role; a role that several bindings give counts once. */
  add(role: string, rules: readonly PolicyRule[], reason: string): void {
    if (this.#roles.has(role)) return;
    this.#roles.add(role);
    for (const rule of rules) {
      const grant = { rule, reason };
      this.all.push(grant);
      for (const resource of new Set(rule.resources ?? [])) {
        const entry = this.#byResource.get(resource);
        if (entry) entry.push(grant);
        else this.#byResource.set(resource, [grant]);
      }
      if (rule.nonResourceURLs?.length) this.#forPaths.push(grant);
    }
  }

  /** The grant that allows it. */
  find(asked: Attributes): Grant | undefined {
    const { resource } = asked;
    if (!resource) return firstAllowing(this.#forPaths, asked);
    const found = firstAllowing(this.#byResource.get(resourceText(resource)), asked);
    if (found) return found;
    const { subresource } = resource;
    const ofAll = subresource ? firstAllowing(this.#byResource.get(`*/${subresource}`), asked) : undefined;
    return ofAll ?? firstAllowing(this.#byResource.get('*'), asked);
  }
}

function firstAllowing(grants: readonly Grant[] | undefined, asked: Attributes): Grant | undefined {
  return grants?.find(({ rule }) => ruleAllows(rule, asked));
}
