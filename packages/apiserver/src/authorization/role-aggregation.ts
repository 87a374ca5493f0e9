import { selectorMatches } from '@podwire/base';
import { equalJson, kindNamed } from '@podwire/kube';
import type { ClusterRole, PolicyRule } from 'kubernetes-types/rbac/v1.js';
import type { Registry, WriteOptions } from '../core/registry.ts';
import type { ApiObject } from '../seam.ts';

const OPTIONS: WriteOptions = { fieldValidation: 'Ignore', dryRun: false, warn: () => {} };
const KIND = kindNamed('ClusterRole');

/** Keeps the rules of ClusterRoles with an aggregationRule equal to those of the roles their selectors find. */
export class RoleAggregation {
  readonly #registry: Registry;
  readonly #unwatch: (() => void) | undefined;
  #running: Promise<void> | undefined;
  #dirty = false;

  constructor(registry: Registry) {
    const { store } = registry;
    this.#registry = registry;
    // A write that failed shows in every later write.
    this.#unwatch = store.watch('ClusterRole', store.revision, () => void this.settle().catch(() => {}));
  }

  /** Resolves when all is as it should be. */
  settle(): Promise<void> {
    this.#dirty = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
    return this.#running;
  }

  stop(): void {
    this.#unwatch?.();
  }

  async #run(): Promise<void> {
    while (this.#dirty) {
      this.#dirty = false;
      const roles = (this.#registry.store.latestOf('ClusterRole') as unknown as readonly ClusterRole[]).toSorted(
        byName,
      );
      const gathering = roles.filter(({ aggregationRule }) => aggregationRule);
      await Promise.all(gathering.map((role) => this.#gather(role, roles)));
    }
  }

  async #gather(role: ClusterRole, roles: readonly ClusterRole[]): Promise<void> {
    const found = new Map<string, PolicyRule>();
    gatherRules(role, { roles, found, seen: new Set([role]) });
    const rules = [...found.values()];
    if (equalJson(rules, role.rules ?? [])) return;
    const target = { kind: KIND, name: role.metadata?.name ?? '' };
    await this.#registry.change(target, (old) => ({ ...old, rules }) as ApiObject, OPTIONS);
  }
}

function byName({ metadata: a }: ClusterRole, { metadata: b }: ClusterRole): number {
  return (a?.name ?? '') < (b?.name ?? '') ? -1 : 1;
}

interface Gathering {
  readonly roles: readonly ClusterRole[];
  /** Each rule once. */
  readonly found: Map<string, PolicyRule>;
  readonly seen: Set<ClusterRole>;
}

/** Of roles that gather themselves only what they gather counts: roles that gather each other come to an end. */
function gatherRules({ aggregationRule }: ClusterRole, { roles, found, seen }: Gathering): void {
  const selectors = aggregationRule?.clusterRoleSelectors ?? [];
  for (const role of roles) {
    const labels = role.metadata?.labels ?? {};
    if (seen.has(role) || !selectors.some((one) => selectorMatches(one, labels))) continue;
    seen.add(role);
    if (role.aggregationRule) gatherRules(role, { roles, found, seen });
    else for (const rule of role.rules ?? []) found.set(JSON.stringify(rule), rule);
  }
}
