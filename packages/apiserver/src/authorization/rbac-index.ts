import type { KindId } from '@podwire/kube';
import type { ClusterRole, ClusterRoleBinding, Role, RoleBinding, RoleRef, Subject } from 'kubernetes-types/rbac/v1.js';
import type { Store, StoreEvent } from '../core/store.ts';
import type { User } from '../seam.ts';
import { SubjectGrants } from './subject-grants.ts';

/** Grants of a scope by subject: `User:x`, `Group:y`. */
type Scope = ReadonlyMap<string, SubjectGrants>;

const NOBODY: readonly SubjectGrants[] = [];

/**
 * Who has which rules, from the roles and bindings in a store. A change drops what depends on it and the next question
 * makes it again: a RoleBinding or Role its namespace, a ClusterRoleBinding the cluster's scope, a ClusterRole all.
 *
 *     ClusterRoleBinding ─▶ cluster ─────────────┐
 *     RoleBinding ─▶ byNamespace ─▶ scope of ns ─┴─▶ grantsOf(user, ns)
 */
export class RbacIndex {
  readonly #store: Store;
  readonly #byNamespace = new Map<string, Map<string, RoleBinding>>();
  readonly #scopes = new Map<string, Scope>();
  #cluster: Scope | undefined;

  constructor(store: Store) {
    this.#store = store;
    for (const binding of store.list('RoleBinding')) this.#enter(binding as unknown as RoleBinding);
    this.#follow('ClusterRoleBinding', () => {
      this.#cluster = undefined;
    });
    this.#follow('ClusterRole', () => {
      this.#cluster = undefined;
      this.#scopes.clear();
    });
    this.#follow('Role', ({ object }) => void this.#scopes.delete(object.metadata.namespace ?? ''));
    this.#follow('RoleBinding', ({ type, object }) => {
      const binding = object as unknown as RoleBinding;
      if (type === 'DELETED') this.#leave(binding);
      else this.#enter(binding);
    });
  }

  /** The grants of a user at the cluster scope, and in a namespace unless it is empty. */
  grantsOf({ name, groups }: User, namespace: string): readonly SubjectGrants[] {
    this.#cluster ??= this.#clusterScope();
    const found = grantsIn(this.#cluster, name, groups);
    if (!namespace || !this.#byNamespace.has(namespace)) return found;
    let scope = this.#scopes.get(namespace);
    if (!scope) {
      scope = this.#namespaceScope(namespace);
      this.#scopes.set(namespace, scope);
    }
    const here = grantsIn(scope, name, groups);
    return here.length > 0 ? [...found, ...here] : found;
  }

  /** The role a binding in the namespace means; undefined when there is none. */
  role({ kind, name }: RoleRef, namespace: string): Role | ClusterRole | undefined {
    const object =
      kind === 'Role' ? this.#store.get('Role', `${namespace}/${name}`) : this.#store.get('ClusterRole', name);
    return object as unknown as Role | ClusterRole | undefined;
  }

  #follow(kind: KindId, listener: (event: StoreEvent) => void): void {
    this.#store.watch(kind, this.#store.revision, listener);
  }

  #enter(binding: RoleBinding): void {
    const { namespace = '', name = '' } = binding.metadata ?? {};
    const bindings = this.#byNamespace.get(namespace) ?? new Map<string, RoleBinding>();
    bindings.set(name, binding);
    this.#byNamespace.set(namespace, bindings);
    this.#scopes.delete(namespace);
  }

  #leave({ metadata: { namespace = '', name = '' } = {} }: RoleBinding): void {
    const bindings = this.#byNamespace.get(namespace);
    bindings?.delete(name);
    if (bindings?.size === 0) this.#byNamespace.delete(namespace);
    this.#scopes.delete(namespace);
  }

  #clusterScope(): Scope {
    const scope = new Map<string, SubjectGrants>();
    for (const object of this.#store.list('ClusterRoleBinding')) {
      const binding = object as unknown as ClusterRoleBinding;
      this.#add(scope, binding, { namespace: '', title: `ClusterRoleBinding ${quote(binding.metadata?.name)}` });
    }
    return scope;
  }

  #namespaceScope(namespace: string): Scope {
    const scope = new Map<string, SubjectGrants>();
    for (const binding of this.#byNamespace.get(namespace)?.values() ?? []) {
      const title = `RoleBinding ${quote(`${binding.metadata?.name}/${namespace}`)}`;
      this.#add(scope, binding, { namespace, title });
    }
    return scope;
  }

  #add(
    scope: Map<string, SubjectGrants>,
    { roleRef, subjects }: RoleBinding | ClusterRoleBinding,
    { namespace, title }: { readonly namespace: string; readonly title: string },
  ): void {
    const role = this.role(roleRef, namespace);
    const id = `${roleRef.kind} ${quote(roleRef.name)}`;
    for (const subject of subjects ?? []) {
      const key = subjectKey(subject, namespace);
      const grants = scope.get(key) ?? new SubjectGrants();
      scope.set(key, grants);
      if (role)
        grants.add(id, { rules: role.rules ?? [], reason: `${title} of ${id} to ${subjectText(subject, namespace)}` });
      else grants.missing.push(`${roleRef.kind.toLowerCase()}.${roleRef.apiGroup} ${quote(roleRef.name)} not found`);
    }
  }
}

function grantsIn(scope: Scope, name: string, groups: readonly string[]): readonly SubjectGrants[] {
  let found: SubjectGrants[] | undefined;
  const own = scope.get(`User:${name}`);
  if (own) found = [own];
  for (const group of groups) {
    const grants = scope.get(`Group:${group}`);
    if (grants && found) found.push(grants);
    else if (grants) found = [grants];
  }
  return found ?? NOBODY;
}

/** A service account is the user of its name. */
function subjectKey({ kind, name, namespace }: Subject, scope: string): string {
  return kind === 'ServiceAccount' ? `User:system:serviceaccount:${namespace || scope}:${name}` : `${kind}:${name}`;
}

function subjectText({ kind, name, namespace }: Subject, scope: string): string {
  return kind === 'ServiceAccount' ? `${kind} ${quote(`${name}/${namespace || scope}`)}` : `${kind} ${quote(name)}`;
}

function quote(text: string | undefined): string {
  return JSON.stringify(text ?? '');
}
