import type { Kind } from '@podwire/kube';
import { equalJson } from '@podwire/kube';
import type { ClusterRole, PolicyRule, Role, RoleBinding } from 'kubernetes-types/rbac/v1.js';
import { failure, forbidden } from '../core/status.ts';
import type { ApiObject, User } from '../seam.ts';
import { type Authorizer, MASTERS } from './authorizer.ts';
import { describeRules, missingRules, quoted } from './rule.ts';

const GROUP = 'rbac.authorization.k8s.io';
const EVERYTHING: readonly PolicyRule[] = [
  { verbs: ['*'], apiGroups: ['*'], resources: ['*'] },
  { verbs: ['*'], nonResourceURLs: ['*'] },
];

/** Somebody's write of an object that is about to be stored. */
export interface GuardedWrite {
  readonly user: User;
  readonly kind: Kind;
  readonly next: ApiObject;
  /** Absent for a new object. */
  readonly old?: ApiObject | undefined;
}

/**
 * Nobody hands out rights they do not have: the rules of a role one writes, or binds, have to be covered by one's own,
 * unless a role gives the verb `escalate`, or `bind`. Throws 403; 404 for a binding whose role is unknown.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/rbac/#privilege-escalation-prevention-and-bootstrapping
 */
export function guardRoles(authorizer: Authorizer, write: GuardedWrite): void {
  const { user, kind } = write;
  if (kind.group !== GROUP || user.groups.includes(MASTERS)) return;
  if (kind.id === 'Role' || kind.id === 'ClusterRole') guardRole(authorizer, write);
  if (kind.id === 'RoleBinding' || kind.id === 'ClusterRoleBinding') guardBinding(authorizer, write);
}

function guardRole(authorizer: Authorizer, write: GuardedWrite): void {
  const { user, kind, next, old } = write;
  const { rules = [], aggregationRule } = next as unknown as Role & ClusterRole;
  const before = old as unknown as (Role & ClusterRole) | undefined;
  const isAggregationNew = aggregationRule !== undefined && !equalJson(aggregationRule, before?.aggregationRule);
  if (before && !isAggregationNew && equalJson(rules, before.rules ?? [])) return;
  const { name = '', namespace = '' } = next.metadata;
  const resource = { group: GROUP, version: 'v1', resource: kind.plural, subresource: '', namespace };
  if (authorizer.allows(user, { verb: 'escalate', resource: { ...resource, name: old ? name : '' }, path: '' })) return;
  if (isAggregationNew && missingRules(authorizer.rulesOf(user, ''), EVERYTHING).length > 0)
    throw forbidden(kind, name, 'must have cluster-admin privileges to use the aggregationRule');
  requireHeld(authorizer, write, rules);
}

function guardBinding(authorizer: Authorizer, write: GuardedWrite): void {
  const { user, next, old } = write;
  const { roleRef, subjects } = next as unknown as RoleBinding;
  const before = old as unknown as RoleBinding | undefined;
  if (before && equalJson(roleRef, before.roleRef) && equalJson(subjects ?? [], before.subjects ?? [])) return;
  const { namespace = '' } = next.metadata;
  const plural = `${roleRef.kind.toLowerCase()}s`;
  const resource = { group: GROUP, version: 'v1', resource: plural, subresource: '', namespace, name: roleRef.name };
  if (authorizer.allows(user, { verb: 'bind', resource, path: '' })) return;
  const role = authorizer.index.role(roleRef, namespace);
  if (!role) {
    const details = { name: roleRef.name, group: GROUP, kind: roleRef.kind.toLowerCase() };
    throw failure(404, 'NotFound', `${details.kind}.${GROUP} ${JSON.stringify(roleRef.name)} not found`, details);
  }
  requireHeld(authorizer, write, role.rules ?? []);
}

function requireHeld(authorizer: Authorizer, { user, kind, next }: GuardedWrite, rules: readonly PolicyRule[]): void {
  const { name = '', namespace = '' } = next.metadata;
  const missing = missingRules(authorizer.rulesOf(user, namespace), rules);
  if (missing.length === 0) return;
  const who = `user ${JSON.stringify(user.name)} (groups=${quoted(user.groups)})`;
  const lines = describeRules(missing).join('\n');
  throw forbidden(kind, name, `${who} is attempting to grant RBAC permissions not currently held:\n${lines}`);
}
