import { equalJson } from '@podwire/kube';
import type { EphemeralContainer, Pod, PodSpec } from 'kubernetes-types/core/v1.js';
import { type ContainerContext, validateContainer } from './container-validation.ts';
import type { FieldErrors } from './field-errors.ts';

/** What a container may have that somebody looks around in a pod with: nothing the pod would rely on. */
const ALLOWED: ReadonlySet<string> = new Set(
  `name image command args workingDir envFrom env volumeMounts volumeDevices terminationMessagePath terminationMessagePolicy
  imagePullPolicy securityContext stdin stdinOnce tty targetContainerName`.split(/\s+/),
);
const CANNOT = 'cannot be set for an Ephemeral Container';
/** On the pods that a kubelet starts by itself. */
export const MIRROR_ANNOTATION = 'kubernetes.io/config.mirror';

/** The containers themselves, of any pod. */
export function validateEphemeralContainers(
  { ephemeralContainers = [], containers = [], initContainers = [] }: Partial<PodSpec>,
  at: string,
  context: ContainerContext,
  errors: FieldErrors,
): void {
  const others = new Set([...containers, ...initContainers].map(({ name }) => name));
  const names = new Set(others);
  ephemeralContainers.forEach((container, index) => {
    const path = `${at}[${index}]`;
    const { name, targetContainerName: target } = container;
    validateContainer(container, path, context, errors);
    if (names.has(name)) errors.duplicate(`${path}.name`, name);
    names.add(name);
    if (target && !others.has(target)) errors.notFound(`${path}.targetContainerName`, target);
    validateModesty(container, path, errors);
  });
}

function validateModesty(container: EphemeralContainer, path: string, errors: FieldErrors): void {
  for (const [field, value] of Object.entries(container)) {
    const isSet = typeof value !== 'object' || value === null || Object.keys(value).length > 0;
    if (isSet && !ALLOWED.has(field)) errors.forbidden(`${path}.${field}`, CANNOT);
  }
  container.volumeMounts?.forEach((mount, index) => {
    for (const field of ['subPath', 'subPathExpr'] as const)
      if (mount[field]) errors.forbidden(`${path}.volumeMounts[${index}].${field}`, CANNOT);
  });
}

/** Of a write of `pods/ephemeralcontainers`: what is there stays as it is. */
export function validateEphemeralUpdate(next: Pod, old: Pod, errors: FieldErrors): void {
  if (old.metadata?.annotations?.[MIRROR_ANNOTATION] !== undefined) {
    errors.forbidden('', 'static pods do not support ephemeral containers');
    return;
  }
  const after = new Map(next.spec?.ephemeralContainers?.map((container) => [container.name, container]));
  for (const container of old.spec?.ephemeralContainers ?? []) {
    const one = after.get(container.name);
    if (one && equalJson(one, container)) continue;
    const what = `existing ephemeral containers ${JSON.stringify(container.name)} may not be`;
    errors.forbidden('spec.ephemeralContainers', `${what} ${one ? 'changed' : 'removed'}\n`);
  }
}
