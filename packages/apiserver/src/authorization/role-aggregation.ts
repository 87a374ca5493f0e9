import { selectorMatches } from '@podwire/base';
import { equalJson, kindNamed } from '@podwire/kube';
import type { ClusterRole, PolicyRule } from 'kubernetes-types/rbac/v1.js';
import type { Registry, WriteOptions } from '../core/registry.ts';
import type { ApiObject } from '../seam.ts';

const OPTIONS: WriteOptions = { fieldValidation: 'Ignore', dryRun: false, warn: () => {} };
const KIND = kindNamed('ClusterRole');
/** Roles that gather each other settle in as many rounds as there are steps between them. */
const MAX_ROUNDS = 10;

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
    for (let round = 0; this.#dirty && round < MAX_ROUNDS; round++) {
      this.#dirty = false;
      await Promise.resolve();
      const roles = this.#registry.store.list('ClusterRole') as unknown as readonly ClusterRole[];
      for (const role of roles.filter(({ aggregationRule }) => aggregationRule)) await this.#gather(role, roles);
    }
  }

  async #gather(role: ClusterRole, roles: readonly ClusterRole[]): Promise<void> {
    const rules = gatheredRules(role, roles);
    if (equalJson(rules, role.rules ?? [])) return;
    const target = { kind: KIND, name: role.metadata?.name ?? '' };
    const make = (old: ApiObject) => ({ ...old, rules }) as ApiObject;
    if (this.#registry.store.latest('ClusterRole', target.name)) await this.#registry.change(target, make, OPTIONS);
  }
}

/** Each rule once, in the order of the roles' names. */
function gatheredRules({ metadata, aggregationRule }: ClusterRole, roles: readonly ClusterRole[]): PolicyRule[] {
  const selectors = aggregationRule?.clusterRoleSelectors ?? [];
  const found = new Map<string, PolicyRule>();
  for (const other of roles) {
    const labels = other.metadata?.labels ?? {};
    if (other.metadata?.name === metadata?.name || !selectors.some((one) => selectorMatches(one, labels))) continue;
    for (const rule of other.rules ?? []) found.set(JSON.stringify(rule), rule);
  }
  return [...found.values()];
}
