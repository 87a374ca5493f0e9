import { equalJson } from '@podwire/kube';
import type { NodeSelectorTerm, Pod, PodSpec } from 'kubernetes-types/core/v1.js';
import type { FieldErrors } from './field-errors.ts';

const MAY_CHANGE =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,' +
  '`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),' +
  '`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

/** The types know no scheduling gates. */
type GatedSpec = PodSpec & { readonly schedulingGates?: readonly { readonly name: string }[] };

/** What may not change in the spec of a pod that exists. Its node is set by a binding and by no update. */
export function validatePodUpdate(next: Pod, old: Pod, errors: FieldErrors): void {
  const [after, before] = [next.spec, old.spec] as [GatedSpec | undefined, GatedSpec | undefined];
  if (!after || !before) return;
  const lists = ['containers', 'initContainers'] as const;
  const longer = lists.find((list) => (after[list]?.length ?? 0) !== (before[list]?.length ?? 0));
  if (longer) {
    errors.forbidden(`spec.${longer}`, 'pod updates may not add or remove containers');
    return;
  }
  validateDeadline(after, before, errors);
  validateTolerations(after, before, errors);
  validateGates(after, before, errors);
  const isGated = (before.schedulingGates?.length ?? 0) > 0;
  if (isGated) validatePlace(after, before, errors);
  if (!equalJson(fixedPart(after, isGated), fixedPart(before, isGated)) || !mayHaveGrace(after, before))
    errors.forbidden('spec', MAY_CHANGE);
}

function validateDeadline(after: PodSpec, before: PodSpec, errors: FieldErrors): void {
  const [is, was] = [after.activeDeadlineSeconds ?? undefined, before.activeDeadlineSeconds ?? undefined];
  const at = 'spec.activeDeadlineSeconds';
  if (was === undefined) return;
  if (is === undefined) errors.invalid(at, null, 'must not update from a positive integer to nil value');
  else if (is > was) errors.invalid(at, is, 'must be less than or equal to previous value');
}

function validateTolerations(after: PodSpec, before: PodSpec, errors: FieldErrors): void {
  const withoutTime = ({ tolerationSeconds: _, ...rest }: NonNullable<PodSpec['tolerations']>[number]) => rest;
  const present = (after.tolerations ?? []).map(withoutTime);
  const isKept = (before.tolerations ?? []).map(withoutTime).every((old) => present.some((one) => equalJson(one, old)));
  if (isKept) return;
  errors.forbidden('spec.tolerations', 'existing toleration can not be modified except its tolerationSeconds');
}

function validateGates(after: GatedSpec, before: GatedSpec, errors: FieldErrors): void {
  const known = new Set(before.schedulingGates?.map(({ name }) => name));
  after.schedulingGates?.forEach(({ name }, index) => {
    if (known.has(name)) return;
    const why = `only deletion is allowed, but found new scheduling gate '${name}'`;
    errors.forbidden(`spec.schedulingGates[${index}]`, why);
  });
}

/** Where a pod may run can become less, but not other, while a gate keeps it from being scheduled. */
function validatePlace(after: PodSpec, before: PodSpec, errors: FieldErrors): void {
  const selector = after.nodeSelector ?? {};
  if (Object.entries(before.nodeSelector ?? {}).some(([key, value]) => selector[key] !== value)) {
    const why = 'only additions to spec.nodeSelector are allowed (no mutations or deletions)';
    errors.invalid('spec.nodeSelector', selector, why);
  }
  const [is, was] = [after, before].map(requiredTerms);
  if (!was) return;
  const at = 'spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms';
  const isNarrower = is?.length === was.length && is.every((term, index) => extendsTerm(term, was[index] ?? {}));
  if (!isNarrower) errors.invalid(at, is ?? null, 'only additions are allowed (no mutations or deletions)');
}

function requiredTerms({ affinity }: PodSpec): readonly NodeSelectorTerm[] | undefined {
  return affinity?.nodeAffinity?.requiredDuringSchedulingIgnoredDuringExecution?.nodeSelectorTerms;
}

function extendsTerm(is: NodeSelectorTerm, was: NodeSelectorTerm): boolean {
  return (['matchExpressions', 'matchFields'] as const).every((field) => {
    const old = was[field] ?? [];
    return equalJson((is[field] ?? []).slice(0, old.length), old);
  });
}

function mayHaveGrace(after: PodSpec, before: PodSpec): boolean {
  const [is, was] = [after.terminationGracePeriodSeconds, before.terminationGracePeriodSeconds];
  return is === was || (is === 1 && was !== undefined && was < 0);
}

function fixedPart(spec: GatedSpec, isGated: boolean): unknown {
  const {
    activeDeadlineSeconds: _,
    tolerations: __,
    terminationGracePeriodSeconds: ___,
    schedulingGates: ____,
    nodeSelector,
    affinity,
    ...rest
  } = spec;
  const { nodeAffinity, ...others } = affinity ?? {};
  const withoutImages = (list: PodSpec['containers'] = []): unknown[] =>
    list.map(({ image: _image, ...other }) => other);
  return {
    ...rest,
    ...(isGated ? { affinity: others } : { nodeSelector, affinity: { ...others, nodeAffinity } }),
    containers: withoutImages(spec.containers),
    initContainers: withoutImages(spec.initContainers),
  };
}
