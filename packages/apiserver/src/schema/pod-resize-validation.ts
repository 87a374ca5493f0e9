import { equalJson, quantityValue } from '@podwire/kube';
import type { Container, Pod, PodSpec, ResourceRequirements } from 'kubernetes-types/core/v1.js';
import { MIRROR_ANNOTATION } from './ephemeral-validation.ts';
import type { FieldErrors } from './field-errors.ts';
import { qosClassOf } from './pod-defaults.ts';

const LISTS = ['containers', 'initContainers'] as const;
/** What may change while a container runs. */
const RESIZED = ['cpu', 'memory'] as const;
const AMOUNTS = ['requests', 'limits'] as const;

/** Of a write of `pods/resize`: cpu and memory of containers, and what is to happen when they change (KEP-1287). */
export function validatePodResize(next: Pod, old: Pod, errors: FieldErrors): void {
  const [after, before] = [next.spec, old.spec];
  if (!after || !before) return;
  const unfit = unfitness(old);
  if (unfit) {
    errors.forbidden('', `${unfit} pods cannot be resized`);
    return;
  }
  if ((old.status?.qosClass ?? qosClassOf(before)) !== qosClassOf(after))
    errors.invalid('spec', next.status?.qosClass ?? '', 'Pod QOS Class may not change as a result of resizing');
  if (!isSupported(old)) errors.forbidden('spec', 'Pod running on node without support for resize');
  if (LISTS.every((list) => isSameOrder(list, { after, before }, errors))) validateAmounts(after, before, errors);
}

function unfitness({ metadata, spec }: Pod): string | undefined {
  if (metadata?.annotations?.[MIRROR_ANNOTATION] !== undefined) return 'static';
  return (spec as { os?: { name: string } }).os?.name === 'windows' ? 'windows' : undefined;
}

/** A node that can resize tells what the containers that run on it have. */
function isSupported({ status }: Pod): boolean {
  const running = status?.containerStatuses?.find(({ state }) => state?.running);
  return !running || (running as { resources?: object }).resources !== undefined;
}

interface Specs {
  readonly after: PodSpec;
  readonly before: PodSpec;
}

function isSameOrder(list: (typeof LISTS)[number], { after, before }: Specs, errors: FieldErrors): boolean {
  const [is = [], was = []] = [after[list], before[list]];
  if (is.length !== was.length) {
    errors.forbidden(`spec.${list}`, `${list} may not be added or removed on resize`);
    return false;
  }
  const moved = was.flatMap(({ name }, index) => (is[index]?.name === name ? [] : [index]));
  for (const index of moved)
    errors.forbidden(`spec.${list}[${index}].name`, `${list} may not be renamed or reordered on resize`);
  return moved.length === 0;
}

function validateAmounts(after: PodSpec, before: PodSpec, errors: FieldErrors): void {
  for (const list of LISTS) {
    before[list]?.forEach((old, index) => {
      const next = after[list]?.[index] ?? old;
      const isLasting = list === 'containers' || (old as { restartPolicy?: string }).restartPolicy === 'Always';
      if (isLasting) validateContainerResize(next, old, { at: `spec.${list}[${index}].resources`, errors });
      const isSame = isLasting ? equalJson(fixedPart(next), fixedPart(old)) : equalJson(next, old);
      if (!isSame) errors.forbidden('spec', isLasting ? 'only cpu and memory resources are mutable' : NOT_LASTING);
    });
  }
}

const NOT_LASTING = 'resources for non-sidecar init containers are immutable';

interface Reported {
  readonly at: string;
  readonly errors: FieldErrors;
}

function validateContainerResize(next: Container, old: Container, { at, errors }: Reported): void {
  for (const part of AMOUNTS) {
    const [is = {}, was = {}] = [next.resources?.[part], old.resources?.[part]];
    if (Object.keys(was).some((name) => !Object.hasOwn(is, name)))
      errors.forbidden(`${at}.${part}`, `resource ${part} cannot be removed`);
  }
  const [is, was] = [next, old].map(({ resources }) => resources?.limits?.memory);
  if (is === undefined || was === undefined || quantityValue(is) >= quantityValue(was) || restartsForMemory(next))
    return;
  const why = 'memory limits cannot be decreased unless resizePolicy is RestartContainer';
  errors.forbidden(`${at}.limits[memory]`, why);
}

function restartsForMemory({ resizePolicy = [] }: Container): boolean {
  return resizePolicy.find(({ resourceName }) => resourceName === 'memory')?.restartPolicy === 'RestartContainer';
}

function fixedPart({ resources, resizePolicy: _, ...rest }: Container): unknown {
  const others = (amounts: ResourceRequirements['requests'] = {}) =>
    Object.entries(amounts)
      .filter(([name]) => !isResized(name))
      .sort();
  const { requests, limits, ...more } = resources ?? {};
  return { ...rest, ...more, requests: others(requests), limits: others(limits) };
}

const isResized = (name: string): boolean => (RESIZED as readonly string[]).includes(name);

/** `resizePolicy` of a container, in any write. */
export function validateResizePolicy(
  { resizePolicy = [] }: Container,
  at: string,
  restartPolicy: string | undefined,
  errors: FieldErrors,
): void {
  const seen = new Set<string>();
  resizePolicy.forEach(({ resourceName, restartPolicy: policy }, index) => {
    if (seen.has(resourceName)) errors.duplicate(`${at}[${index}]`, resourceName);
    seen.add(resourceName);
    if (!resourceName) errors.required(at);
    else if (!isResized(resourceName)) errors.unsupported(at, resourceName, RESIZED);
    if (!policy) errors.required(at);
    else if (policy !== 'NotRequired' && policy !== 'RestartContainer')
      errors.unsupported(at, policy, ['NotRequired', 'RestartContainer']);
    if (restartPolicy === 'Never' && policy !== 'NotRequired')
      errors.invalid(at, policy, "must be 'NotRequired' when `restartPolicy` is 'Never'");
  });
}
