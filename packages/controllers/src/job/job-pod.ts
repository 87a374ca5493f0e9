import type { ObjectOf } from '@podwire/kube';
import { nameOf } from '../context.ts';
import { podFromTemplate } from '../pod-template.ts';

type Job = ObjectOf<'Job'>;
type Pod = ObjectOf<'Pod'>;

/** Keeps a pod that is over until its Job has counted it. */
export const TRACKING = 'batch.kubernetes.io/job-tracking';
const INDEX = 'batch.kubernetes.io/job-completion-index';

export const isTracked = (pod: Pod): boolean => pod.metadata?.finalizers?.includes(TRACKING) ?? false;

/** How often the index of a pod had failed before it was made; of Jobs with backoffLimitPerIndex. */
const FAILURES = 'batch.kubernetes.io/job-index-failure-count';
const IGNORED = 'batch.kubernetes.io/job-index-ignored-failure-count';

export const failuresBefore = (pod: Pod): number => noted(pod, FAILURES);
export const ignoredBefore = (pod: Pod): number => noted(pod, IGNORED);

function noted({ metadata }: Pod, annotation: string): number {
  const text = metadata?.annotations?.[annotation] ?? '';
  return /^\d{1,9}$/.test(text) ? Number(text) : 0;
}

/** Which pod of a Job. */
export interface JobPodIndex {
  readonly index: number;
  /** Given when each index has a limit of its own. */
  readonly past?: { readonly failures: number; readonly ignored: number };
}

/** A pod of the Job; of an Indexed one for this completion index. */
export function jobPod(job: Job, which?: JobPodIndex): Pod {
  const { index, past } = which ?? {};
  const pod = podFromTemplate(job, 'Job', index === undefined ? {} : { [INDEX]: String(index) });
  const metadata = { ...pod.metadata, finalizers: [TRACKING] };
  if (index === undefined) return { ...pod, metadata };
  const name = `${nameOf(job)}-${index}`;
  return {
    metadata: {
      ...metadata,
      generateName: `${name}-`,
      annotations: {
        ...metadata.annotations,
        [INDEX]: String(index),
        ...(past ? { [FAILURES]: String(past.failures) } : {}),
        ...(past && past.ignored > 0 ? { [IGNORED]: String(past.ignored) } : {}),
      },
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
