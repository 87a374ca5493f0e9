import { equalJson, kindNamed } from '@podwire/kube';
import type { ClusterRole, ClusterRoleBinding } from 'kubernetes-types/rbac/v1.js';
import type { Registry, WriteOptions } from '../core/registry.ts';
import type { ApiObject } from '../seam.ts';
import { DEFAULT_BINDINGS, DEFAULT_ROLES, type DefaultRole, parseRule } from './default-roles.ts';
import { missingRules } from './rule.ts';

const GROUP = 'rbac.authorization.k8s.io';
const OPTIONS: WriteOptions = { fieldValidation: 'Ignore', dryRun: false, warn: () => {} };
const LABELS = { 'kubernetes.io/bootstrapping': 'rbac-defaults' };
const AUTOUPDATE = 'rbac.authorization.kubernetes.io/autoupdate';

/**
 * The roles and bindings every cluster has: makes those that are missing and gives those that are there back what
 * somebody took from them, unless their annotation `autoupdate` is false. What was added stays.
 */
export async function createDefaultRoles(registry: Registry): Promise<void> {
  const roles = Object.entries(DEFAULT_ROLES).map(([name, role]) => ensureRole(registry, roleObject(name, role)));
  const bindings = Object.keys(DEFAULT_BINDINGS).map((name) => ensureBinding(registry, bindingObject(name)));
  await Promise.all([...roles, ...bindings]);
}

function roleObject(name: string, { rules = [], gathers, gatheredBy }: DefaultRole): ClusterRole {
  const label = (target: string) => ({ [`${GROUP}/aggregate-to-${target}`]: 'true' });
  const labels = { ...LABELS, ...(gatheredBy ? label(gatheredBy) : {}) };
  const role = { metadata: metadata(name, labels), rules: rules.map(parseRule) };
  return gathers ? { ...role, aggregationRule: { clusterRoleSelectors: [{ matchLabels: label(gathers) }] } } : role;
}

function bindingObject(name: string): ClusterRoleBinding {
  const roleRef = { apiGroup: GROUP, kind: 'ClusterRole', name };
  return { metadata: metadata(name, LABELS), roleRef, subjects: [...(DEFAULT_BINDINGS[name] ?? [])] };
}

function metadata(name: string, labels: Record<string, string>) {
  return { name, labels, annotations: { [AUTOUPDATE]: 'true' } };
}

async function ensureRole(registry: Registry, role: ClusterRole): Promise<void> {
  const old = present<ClusterRole>(registry, 'ClusterRole', role);
  if (!old) return create(registry, 'ClusterRole', role);
  if (!isKept(old)) return;
  const lost = missingRules(old.rules ?? [], role.rules ?? []);
  if (lost.length > 0) await update(registry, 'ClusterRole', { ...old, rules: [...(old.rules ?? []), ...lost] });
}

async function ensureBinding(registry: Registry, binding: ClusterRoleBinding): Promise<void> {
  const old = present<ClusterRoleBinding>(registry, 'ClusterRoleBinding', binding);
  if (!old) return create(registry, 'ClusterRoleBinding', binding);
  if (!isKept(old)) return;
  const subjects = old.subjects ?? [];
  const lost = (binding.subjects ?? []).filter((wanted) => !subjects.some((subject) => equalJson(subject, wanted)));
  if (lost.length > 0) await update(registry, 'ClusterRoleBinding', { ...old, subjects: [...subjects, ...lost] });
}

type KindOfDefault = 'ClusterRole' | 'ClusterRoleBinding';
type Default = ClusterRole | ClusterRoleBinding;

function present<T extends Default>(registry: Registry, kind: KindOfDefault, { metadata }: T): T | undefined {
  return registry.store.get(kind, metadata?.name ?? '') as unknown as T | undefined;
}

function isKept({ metadata }: Default): boolean {
  return metadata?.annotations?.[AUTOUPDATE] === 'true';
}

async function create(registry: Registry, name: KindOfDefault, object: Default): Promise<void> {
  const kind = kindNamed(name);
  const draft = { ...object, apiVersion: kind.apiVersion, kind: name } as unknown as ApiObject;
  await registry.create(kind, undefined, { draft, options: OPTIONS });
}

async function update(registry: Registry, name: KindOfDefault, object: Default): Promise<void> {
  const next = object as unknown as ApiObject;
  await registry.update({ kind: kindNamed(name), name: next.metadata.name ?? '' }, next, OPTIONS);
}
