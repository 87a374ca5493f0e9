import type { ObjectOf } from '@podwire/kube';
import { nameOf } from '../context.ts';
import { podFromTemplate } from '../pod-template.ts';

type Job = ObjectOf<'Job'>;
type Pod = ObjectOf<'Pod'>;

/** Keeps a pod that is over until its Job has counted it. */
export const TRACKING = 'batch.kubernetes.io/job-tracking';
const INDEX = 'batch.kubernetes.io/job-completion-index';

export const isTracked = (pod: Pod): boolean => pod.metadata?.finalizers?.includes(TRACKING) ?? false;

/** A pod of the Job; of an Indexed one for this completion index. */
export function jobPod(job: Job, index?: number): Pod {
  const pod = podFromTemplate(job, 'Job', index === undefined ? {} : { [INDEX]: String(index) });
  const metadata = { ...pod.metadata, finalizers: [TRACKING] };
  if (index === undefined) return { ...pod, metadata };
  const name = `${nameOf(job)}-${index}`;
  return {
    metadata: {
      ...metadata,
      generateName: `${name}-`,
      annotations: { ...metadata.annotations, [INDEX]: String(index) },
    },
    spec: { ...withIndexVariable(pod.spec), hostname: name },
  };
}

type PodSpec = NonNullable<Pod['spec']>;

function withIndexVariable(spec: PodSpec | undefined): PodSpec {
  const variable = {
    name: 'JOB_COMPLETION_INDEX',
    valueFrom: { fieldRef: { fieldPath: `metadata.labels['${INDEX}']` } },
  };
  const extended = <C extends PodSpec['containers'][number]>(container: C): C => {
    if (container.env?.some(({ name }) => name === variable.name)) return container;
    return { ...container, env: [...(container.env ?? []), variable] };
  };
  return {
    ...spec,
    containers: (spec?.containers ?? []).map(extended),
    ...(spec?.initContainers ? { initContainers: spec.initContainers.map(extended) } : {}),
  };
}

/** The completion index a pod works on; undefined: none. */
export function indexOfPod({ metadata }: Pod): number | undefined {
  const text = metadata?.annotations?.[INDEX] ?? metadata?.labels?.[INDEX];
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

/** When the last container of a pod ended, in ms; 0: not known. */
export function finishTime({ status }: Pod): number {
  const ends = (status?.containerStatuses ?? []).map(({ state }) => Date.parse(state?.terminated?.finishedAt ?? ''));
  return Math.max(0, ...ends.filter((ms) => !Number.isNaN(ms)));
}

/** How often containers of a pod were started again. */
export function restartsOf({ status }: Pod): number {
  const all = [...(status?.initContainerStatuses ?? []), ...(status?.containerStatuses ?? [])];
  return all.reduce((sum, { restartCount }) => sum + (restartCount ?? 0), 0);
}
