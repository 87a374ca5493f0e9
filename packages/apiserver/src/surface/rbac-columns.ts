import type { ClusterRole, ClusterRoleBinding, Role, RoleBinding } from 'kubernetes-types/rbac/v1.js';
import { type Column, text, wide } from './columns.ts';
import { age } from './workload-columns.ts';

export const ROLE_COLUMNS: readonly Column<Role | ClusterRole>[] = [
  text('Created At', ({ metadata }) => metadata?.creationTimestamp ?? ''),
];

type Binding = RoleBinding | ClusterRoleBinding;

export const ROLE_BINDING_COLUMNS: readonly Column<Binding>[] = [
  text('Role', ({ roleRef }) => `${roleRef.kind}/${roleRef.name}`),
  age(),
  wide('Users', subjectsOf('User')),
  wide('Groups', subjectsOf('Group')),
  wide('ServiceAccounts', subjectsOf('ServiceAccount')),
];

function subjectsOf(wanted: string): (binding: Binding) => string {
  return ({ subjects = [] }) =>
    subjects
      .filter(({ kind }) => kind === wanted)
      .map(({ name, namespace }) => (wanted === 'ServiceAccount' ? `${namespace}/${name}` : name))
      .join(', ');
}
