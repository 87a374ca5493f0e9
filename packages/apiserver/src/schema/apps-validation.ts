import { isDeepStrictEqual } from 'node:util';
import { selectorMatches } from '@podwire/base';
import type {
  DaemonSet,
  Deployment,
  DeploymentSpec,
  ReplicaSet,
  StatefulSet,
  StatefulSetSpec,
} from 'kubernetes-types/apps/v1.js';
import type { PodTemplateSpec } from 'kubernetes-types/core/v1.js';
import type { LabelSelector } from 'kubernetes-types/meta/v1.js';
import type { FieldErrors } from './field-errors.ts';
import { validateAnnotations, validateLabelSelector, validateLabels } from './metadata-validation.ts';
import { notNegative, percent } from './names.ts';
import { validatePodSpec } from './pod-validation.ts';

export type Workload = Deployment | ReplicaSet | DaemonSet | StatefulSet;

const COUNTS = ['replicas', 'minReadySeconds', 'revisionHistoryLimit', 'progressDeadlineSeconds'] as const;

/** What Deployment, ReplicaSet, DaemonSet and StatefulSet have in common. `word` names the kind in messages. */
export function validateWorkload({ spec }: Workload, word: string, errors: FieldErrors): void {
  if (!spec) {
    errors.required('spec.selector');
    return;
  }
  for (const field of COUNTS) {
    const value = new Map<string, unknown>(Object.entries(spec)).get(field);
    if (typeof value === 'number') errors.invalidEach(`spec.${field}`, value, notNegative(value));
  }
  validateLabelSelector(spec.selector, 'spec.selector', errors);
  const { matchLabels = {}, matchExpressions = [] } = spec.selector ?? {};
  if (spec.selector && Object.keys(matchLabels).length + matchExpressions.length === 0) {
    errors.invalid('spec.selector', spec.selector, `empty selector is invalid for ${word}`);
  }
  validateTemplate(
    word === 'statefulset' ? withMounted(spec as StatefulSetSpec) : spec.template,
    spec.selector,
    errors,
  );
}

/** A StatefulSet's containers may mount its claims, and what nobody has: only its pods are refused for that. */
function withMounted({ template, volumeClaimTemplates = [] }: StatefulSetSpec): PodTemplateSpec {
  if (!template.spec) return template;
  const { containers, initContainers = [], volumes = [] } = template.spec;
  const claims = volumeClaimTemplates.map(({ metadata }) => metadata?.name ?? '');
  const mounts = [...containers, ...initContainers].flatMap(({ volumeMounts = [] }) => volumeMounts);
  const own = volumes.filter(({ name }) => !claims.includes(name));
  const unknown = mounts.map(({ name }) => name).filter((name) => !own.some((volume) => volume.name === name));
  const rest = [...new Set([...claims, ...unknown])].map((name) => ({ name, emptyDir: {} }));
  return { ...template, spec: { ...template.spec, volumes: [...own, ...rest] } };
}

function validateTemplate(
  template: PodTemplateSpec | undefined,
  selector: LabelSelector | undefined,
  errors: FieldErrors,
): void {
  const labels = template?.metadata?.labels ?? {};
  const at = 'spec.template';
  // A selector that is absent matches nothing.
  if (!selector || !selectorMatches(selector as Parameters<typeof selectorMatches>[0], labels)) {
    errors.invalid(`${at}.metadata.labels`, labels, '`selector` does not match template `labels`');
  }
  validatePodTemplate(template, at, errors);
  if (!template?.spec) return;
  const { restartPolicy, activeDeadlineSeconds } = template.spec;
  if (restartPolicy && restartPolicy !== 'Always') {
    errors.unsupported(`${at}.spec.restartPolicy`, restartPolicy, ['Always']);
  }
  if (activeDeadlineSeconds !== undefined) {
    errors.forbidden(`${at}.spec.activeDeadlineSeconds`, 'activeDeadlineSeconds in ReplicaSet is not Supported');
  }
}

/** What any template of pods must be. */
export function validatePodTemplate(template: PodTemplateSpec | undefined, at: string, errors: FieldErrors): void {
  validateLabels(template?.metadata?.labels, `${at}.labels`, errors);
  validateAnnotations(template?.metadata?.annotations, `${at}.metadata.annotations`, errors);
  if (template?.spec?.ephemeralContainers?.length)
    errors.forbidden(`${at}.spec.ephemeralContainers`, 'ephemeral containers not allowed in pod template');
  if (template?.spec) validatePodSpec(template.spec, `${at}.spec`, errors);
  else errors.required(`${at}.spec.containers`);
}

export function validateDeployment({ spec }: Deployment, errors: FieldErrors): void {
  if (!spec) return;
  validateStrategy(spec, errors);
  const { progressDeadlineSeconds: deadline, minReadySeconds = 0 } = spec;
  if (deadline !== undefined && deadline <= minReadySeconds) {
    errors.invalid('spec.progressDeadlineSeconds', deadline, 'must be greater than minReadySeconds');
  }
}

function validateStrategy({ strategy }: DeploymentSpec, errors: FieldErrors): void {
  const at = 'spec.strategy.rollingUpdate';
  const rolling = strategy?.rollingUpdate;
  if (strategy?.type === 'Recreate' && rolling) {
    errors.forbidden(at, "may not be specified when strategy `type` is 'Recreate'");
    return;
  }
  if (strategy?.type !== 'RollingUpdate' || !rolling) return;
  const { maxUnavailable = '25%', maxSurge = '25%' } = rolling;
  validateAmount(maxUnavailable, `${at}.maxUnavailable`, errors);
  validateAmount(maxSurge, `${at}.maxSurge`, errors);
  if (amount(maxUnavailable) === 0 && amount(maxSurge) === 0) {
    errors.invalid(`${at}.maxUnavailable`, maxUnavailable, 'may not be 0 when `maxSurge` is 0');
  }
  if (typeof maxUnavailable === 'string' && amount(maxUnavailable) > 100) {
    errors.invalid(`${at}.maxUnavailable`, maxUnavailable, 'must not be greater than 100%');
  }
}

/** A number of pods, or a share of them. */
export function validateAmount(value: string | number, at: string, errors: FieldErrors): void {
  errors.invalidEach(at, value, typeof value === 'number' ? notNegative(value) : percent(value));
}

function amount(value: string | number): number {
  return typeof value === 'number' ? value : Number.parseInt(value, 10);
}

export function validateSelectorUpdate(next: Workload, old: Workload, errors: FieldErrors): void {
  if (isDeepStrictEqual(plain(next.spec?.selector), plain(old.spec?.selector))) return;
  errors.invalid('spec.selector', next.spec?.selector ?? null, 'field is immutable');
}

const STATEFUL_CHANGES = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
];

export function validateStatefulSetUpdate(next: StatefulSet, old: StatefulSet, errors: FieldErrors): void {
  const fixed = (spec: StatefulSetSpec | undefined): unknown =>
    plain(Object.fromEntries(Object.entries(spec ?? {}).filter(([field]) => !STATEFUL_CHANGES.includes(field))));
  if (isDeepStrictEqual(fixed(next.spec), fixed(old.spec))) return;
  const names = STATEFUL_CHANGES.map((field) => `'${field}'`);
  const list = `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
  errors.forbidden('spec', `updates to statefulset spec for fields other than ${list} are forbidden`);
}

function plain(value: unknown): unknown {
  return value === undefined ? undefined : JSON.parse(JSON.stringify(value));
}
