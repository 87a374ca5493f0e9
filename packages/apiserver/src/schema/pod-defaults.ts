import { quantityValue } from '@podwire/kube';
import type { Container, Pod, PodSpec, Toleration } from 'kubernetes-types/core/v1.js';

/** How long a pod stays on a node that is not ready, unless it says otherwise (DefaultTolerationSeconds). */
const NODE_TOLERATIONS: readonly Toleration[] = ['not-ready', 'unreachable'].map((state) => ({
  key: `node.kubernetes.io/${state}`,
  operator: 'Exists',
  effect: 'NoExecute',
  tolerationSeconds: 300,
}));

/** Defaults of a pod itself, on top of those of any pod template. */
export function defaultPod(pod: Pod): void {
  const { spec, status } = pod;
  if (!spec) return;
  // A frozen one is as it was stored.
  if (!Object.isFrozen(spec)) defaultSpec(spec);
  if (status?.phase !== undefined && status.qosClass !== undefined) return;
  Object.assign(pod, { status: { phase: 'Pending', qosClass: qosClassOf(spec), ...status } });
}

function defaultSpec(spec: PodSpec): void {
  defaultPodSpec(spec);
  spec.enableServiceLinks ??= true;
  spec.serviceAccountName ??= spec.serviceAccount ?? 'default';
  if (spec.serviceAccount !== spec.serviceAccountName) spec.serviceAccount = spec.serviceAccountName;
  spec.priority ??= 0;
  spec.preemptionPolicy ??= 'PreemptLowerPriority';
  for (const container of [...(spec.initContainers ?? []), ...(spec.containers ?? [])]) requestLimits(container);
  for (const toleration of NODE_TOLERATIONS) {
    const tolerated = spec.tolerations?.some(
      ({ key, effect }) => (!key || key === toleration.key) && (!effect || effect === toleration.effect),
    );
    if (!tolerated) spec.tolerations = [...(spec.tolerations ?? []), { ...toleration }];
  }
}

/** Defaults of the spec of a pod or a pod template. */
export function defaultPodSpec(spec: PodSpec | undefined): void {
  if (!spec) return;
  if (spec.serviceAccountName) spec.serviceAccount ??= spec.serviceAccountName;
  const { initContainers = [], containers = [], ephemeralContainers = [] } = spec;
  for (const container of [...initContainers, ...containers, ...ephemeralContainers]) {
    container.imagePullPolicy ??= isLatest(container.image ?? '') ? 'Always' : 'IfNotPresent';
    for (const port of container.ports ?? []) {
      if (spec.hostNetwork) port.hostPort ??= port.containerPort;
    }
  }
  for (const volume of spec.volumes ?? []) {
    if (Object.keys(volume).length === 1) volume.emptyDir = {};
  }
}

/** An image without digest and without tag, or with the tag latest. */
function isLatest(image: string): boolean {
  if (image.includes('@')) return false;
  const [, tag] = image.slice(image.lastIndexOf('/') + 1).split(':');
  return tag === undefined || tag === 'latest';
}

function requestLimits({ resources }: Container): void {
  if (!resources?.limits) return;
  const { limits, requests } = resources;
  if (Object.keys(limits).every((name) => requests?.[name] !== undefined)) return;
  resources.requests = { ...limits, ...requests };
}

const QOS_RESOURCES = ['cpu', 'memory'] as const;

/** Quality of service, by what containers ask for of cpu and memory; 0 is nothing. */
export function qosClassOf({ containers = [], initContainers = [] }: PodSpec): string {
  const all = [...containers, ...initContainers].flatMap(({ resources }) =>
    QOS_RESOURCES.map((name) => [resources?.limits?.[name] ?? '0', resources?.requests?.[name] ?? '0'] as const),
  );
  const amounts = all.map(([limit, request]) => [quantityValue(limit), quantityValue(request)] as const);
  if (amounts.every(([limit, request]) => limit === 0 && request === 0)) return 'BestEffort';
  return amounts.every(([limit, request]) => limit > 0 && limit === request) ? 'Guaranteed' : 'Burstable';
}
