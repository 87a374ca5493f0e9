import { isDeepStrictEqual } from 'node:util';
import type {
  ClusterRole,
  ClusterRoleBinding,
  PolicyRule,
  Role,
  RoleBinding,
  Subject,
} from 'kubernetes-types/rbac/v1.js';
import type { FieldErrors } from './field-errors.ts';
import { validateLabelSelector } from './metadata-validation.ts';
import { dnsSubdomain, pathSegment } from './names.ts';

const GROUP = 'rbac.authorization.k8s.io';

/** Users and groups are of the group of roles, service accounts of the core group. */
export function defaultSubjects({ subjects }: RoleBinding | ClusterRoleBinding): void {
  for (const subject of subjects ?? []) {
    if (subject.kind === 'User' || subject.kind === 'Group') subject.apiGroup ??= GROUP;
  }
}

export function validateRole({ rules }: Role, errors: FieldErrors): void {
  rules?.forEach((rule, index) => {
    validateRule(rule, { at: `rules[${index}]`, isNamespaced: true }, errors);
  });
}

export function validateClusterRole({ rules, aggregationRule }: ClusterRole, errors: FieldErrors): void {
  rules?.forEach((rule, index) => {
    validateRule(rule, { at: `rules[${index}]`, isNamespaced: false }, errors);
  });
  if (!aggregationRule) return;
  const at = 'aggregationRule.clusterRoleSelectors';
  const { clusterRoleSelectors: selectors = [] } = aggregationRule;
  if (selectors.length === 0)
    errors.required(at, 'at least one clusterRoleSelector required if aggregationRule is non-nil');
  selectors.forEach((selector, index) => {
    validateLabelSelector(selector, `${at}[${index}]`, errors);
  });
}

function validateRule(
  { verbs = [], apiGroups = [], resources = [], nonResourceURLs = [] }: PolicyRule,
  { at, isNamespaced }: { at: string; isNamespaced: boolean },
  errors: FieldErrors,
): void {
  if (verbs.length === 0) errors.required(`${at}.verbs`, 'verbs must contain at least one value');
  if (nonResourceURLs.length > 0) {
    const path = `${at}.nonResourceURLs`;
    if (isNamespaced) {
      errors.invalid(path, nonResourceURLs, 'namespaced rules cannot apply to non-resource URLs');
    }
    if (apiGroups.length + resources.length > 0) {
      errors.invalid(path, nonResourceURLs, 'rules cannot apply to both regular resources and non-resource URLs');
    }
    return;
  }
  if (apiGroups.length === 0) errors.required(`${at}.apiGroups`, 'resource rules must supply at least one api group');
  if (resources.length === 0) errors.required(`${at}.resources`, 'resource rules must supply at least one resource');
}

export function validateRoleBinding(binding: RoleBinding, errors: FieldErrors): void {
  validateBinding(binding, ['ClusterRole', 'Role'], errors);
}

export function validateClusterRoleBinding(binding: ClusterRoleBinding, errors: FieldErrors): void {
  validateBinding(binding, ['ClusterRole'], errors);
}

function validateBinding(
  { roleRef, subjects }: RoleBinding | ClusterRoleBinding,
  kinds: readonly string[],
  errors: FieldErrors,
): void {
  const { apiGroup = '', kind = '', name = '' } = roleRef ?? {};
  if (apiGroup !== GROUP) errors.unsupported('roleRef.apiGroup', apiGroup, [GROUP]);
  if (!kinds.includes(kind)) errors.unsupported('roleRef.kind', kind, kinds);
  if (!name) errors.required('roleRef.name');
  else errors.invalidEach('roleRef.name', name, pathSegment(name));
  subjects?.forEach((subject, index) => {
    validateSubject(subject, `subjects[${index}]`, errors);
  });
}

function validateSubject({ kind, apiGroup = '', name, namespace }: Subject, at: string, errors: FieldErrors): void {
  if (!name) errors.required(`${at}.name`);
  if (kind === 'ServiceAccount') {
    if (name) errors.invalidEach(`${at}.name`, name, dnsSubdomain(name));
    if (apiGroup) errors.unsupported(`${at}.apiGroup`, apiGroup, ['']);
    if (!namespace) errors.required(`${at}.namespace`);
  } else if (kind === 'User' || kind === 'Group') {
    if (apiGroup !== GROUP) errors.unsupported(`${at}.apiGroup`, apiGroup, [GROUP]);
  } else {
    errors.unsupported(`${at}.kind`, kind ?? '', ['Group', 'ServiceAccount', 'User']);
  }
}

export function validateRoleRefUpdate(
  next: RoleBinding | ClusterRoleBinding,
  old: RoleBinding | ClusterRoleBinding,
  errors: FieldErrors,
): void {
  if (!isDeepStrictEqual({ ...next.roleRef }, { ...old.roleRef })) {
    errors.invalid('roleRef', next.roleRef, 'cannot change roleRef');
  }
}
