import type { PolicyRule } from 'kubernetes-types/rbac/v1.js';
import type { Attributes, ResourceAttributes } from './attributes.ts';
import { resourceText } from './attributes.ts';
import { ruleAllows } from './rule.ts';

/** A rule and why somebody has it. */
interface Grant {
  readonly rule: PolicyRule;
  readonly reason: string;
}

/** The rules for one verb on one resource. */
interface Entry {
  readonly unnamed: Grant[];
  /** By the names of objects they are limited to. */
  readonly named: Map<string, Grant[]>;
}

/** Rules by verb, resource and name: a question takes the same time whatever their number. */
export class RuleTable {
  readonly #entries = new Map<string, Entry>();
  readonly #forPaths: Grant[] = [];

  add(rules: readonly PolicyRule[], reason: string): void {
    for (const rule of rules) {
      const grant = { rule, reason };
      if (rule.nonResourceURLs?.length) this.#forPaths.push(grant);
      for (const verb of rule.verbs ?? [])
        for (const resource of rule.resources ?? []) this.#enter(verb, resource, grant);
    }
  }

  /** The reason why it is allowed; undefined when it is not. */
  find(asked: Attributes): string | undefined {
    const { verb, resource } = asked;
    if (!resource) return firstAllowing(this.#forPaths, asked);
    return this.#findResource(verb, resource, asked) ?? this.#findResource('*', resource, asked);
  }

  #findResource(verb: string, resource: ResourceAttributes, asked: Attributes): string | undefined {
    const exact = this.#findAt(`${verb} ${resourceText(resource)}`, resource.name, asked);
    if (exact !== undefined) return exact;
    const { subresource } = resource;
    const ofAll = subresource ? this.#findAt(`${verb} */${subresource}`, resource.name, asked) : undefined;
    return ofAll ?? this.#findAt(`${verb} *`, resource.name, asked);
  }

  #findAt(key: string, name: string, asked: Attributes): string | undefined {
    const entry = this.#entries.get(key);
    if (!entry) return undefined;
    return firstAllowing(entry.unnamed, asked) ?? firstAllowing(entry.named.get(name), asked);
  }

  #enter(verb: string, resource: string, grant: Grant): void {
    const key = `${verb} ${resource}`;
    const entry = this.#entries.get(key) ?? { unnamed: [], named: new Map<string, Grant[]>() };
    this.#entries.set(key, entry);
    const { resourceNames, apiGroups } = grant.rule;
    if (!resourceNames?.length) {
      addUnlessCovered(entry.unnamed, grant, apiGroups);
      return;
    }
    for (const name of resourceNames) {
      const grants = entry.named.get(name) ?? [];
      entry.named.set(name, grants);
      addUnlessCovered(grants, grant, apiGroups);
    }
  }
}

/** Verb, resource and name are those of the others: the groups alone tell whether it adds anything. */
function addUnlessCovered(grants: Grant[], grant: Grant, groups: readonly string[] = []): void {
  const isCovered = grants.some(({ rule }) => groups.every((group) => rule.apiGroups?.includes(group)));
  if (!isCovered) grants.push(grant);
}

function firstAllowing(grants: readonly Grant[] | undefined, asked: Attributes): string | undefined {
  return grants?.find(({ rule }) => ruleAllows(rule, asked))?.reason;
}
