import { ObjectIndex, type ObjectOf } from '@podwire/kube';
import { systemClock, timeOf } from '../clock.ts';
import {
  type Controller,
  type ControllerContext,
  controllerOf,
  keyOf,
  nameOf,
  namespaceOf,
  objectKey,
  splitKey,
  visible,
} from '../context.ts';
import { remarksOn } from '../event.ts';
import { KeyQueue } from '../key-queue.ts';
import { deletePod } from '../pod-template.ts';
import { finishedCondition } from './job-conditions.ts';
import { type JobStep, planJob } from './job-plan.ts';
import { isTracked, jobPod, TRACKING } from './job-pod.ts';
import { jobRemarks } from './job-remarks.ts';

type Job = ObjectOf<'Job'>;
type Pod = ObjectOf<'Pod'>;

const CONTROLLER = 'kubernetes.io/job-controller';

/** Runs Jobs to their end, and removes them ttlSecondsAfterFinished later. */
export function startJobs({ client, informers, logger, clock = systemClock }: ControllerContext): Controller {
  const jobs = informers.of('Job');
  const pods = informers.of('Pod');
  const byJob = new ObjectIndex(pods, (pod) => [jobKeyOf(pod) ?? []].flat());
  const remark = remarksOn(client, 'Job', 'job-controller');

  const release = async (pod: Pod): Promise<void> => {
    const finalizers = (pod.metadata?.finalizers ?? []).filter((name) => name !== TRACKING);
    const { uid = '' } = pod.metadata ?? {};
    await client.patch('Pod', objectKey(pod), {
      metadata: { uid, finalizers: finalizers.length > 0 ? finalizers : null },
    });
  };
  const create = async (job: Job, index: number | undefined): Promise<void> => {
    const pod = await client.create('Pod', jobPod(job, index));
    remark(job, { type: 'Normal', reason: 'SuccessfulCreate', message: `Created pod: ${nameOf(pod)}` });
    await visible(pods, pod);
  };
  const remove = async (job: Job, pod: Pod): Promise<void> => {
    await deletePod(client, pod);
    remark(job, { type: 'Normal', reason: 'SuccessfulDelete', message: `Deleted pod: ${nameOf(pod)}` });
  };
  const take = async (job: Job, step: JobStep): Promise<void> => {
    if (!sameStatus(job.status, step.status)) {
      await visible(jobs, await client.update('Job', { ...job, status: step.status }, 'status'));
      for (const one of jobRemarks(job.status, step.status)) remark(job, one);
    }
    await Promise.all([...step.release, ...step.withdraw.filter(isTracked)].map(release));
    await Promise.all([...step.stop, ...step.withdraw].map((pod) => remove(job, pod)));
    await Promise.all(step.create.map((index) => create(job, index)));
  };
  const reconcile = async (key: string): Promise<number | undefined> => {
    const { name, namespace } = splitKey(key);
    const job = jobs.get(name, namespace);
    const all = byJob.get(key);
    const mine = all.filter((pod) => controllerOf(pod)?.uid === job?.metadata?.uid);
    const lost = !job || job.metadata?.deletionTimestamp ? all : all.filter((pod) => !mine.includes(pod));
    await Promise.all(lost.filter(isTracked).map(release));
    if (!job || job.metadata?.deletionTimestamp || (job.spec?.managedBy ?? CONTROLLER) !== CONTROLLER) return undefined;
    const step = planJob(job, mine, clock.now());
    await take(job, step);
    const left = timeToLive(job, clock.now());
    if (left === undefined || left > 0) return left ?? step.next;
    const { uid } = job.metadata ?? {};
    await client.delete('Job', objectKey(job), { propagationPolicy: 'Foreground', ...(uid ? { uid } : {}) });
    return undefined;
  };
  const queue = new KeyQueue({ name: 'job', logger, reconcile, clock });
  const ends = [
    jobs.subscribe(({ object }) => queue.add(keyOf(object))),
    pods.subscribe(({ object }) => {
      const key = jobKeyOf(object);
      if (key !== undefined) queue.add(key);
    }),
  ];
  return { stop: () => [...ends.map((end) => end()), byJob.stop(), queue.stop()] };
}

function jobKeyOf(pod: Pod): string | undefined {
  const owner = controllerOf(pod);
  return owner?.kind === 'Job' ? `${namespaceOf(pod)}/${owner.name}` : undefined;
}

/** In ms; undefined: not over, or kept for good. */
function timeToLive(job: Job, now: number): number | undefined {
  const ended = timeOf(finishedCondition(job)?.lastTransitionTime);
  const seconds = job.spec?.ttlSecondsAfterFinished;
  return ended === undefined || seconds === undefined ? undefined : ended + seconds * 1000 - now;
}

function sameStatus(present: object | undefined, wanted: object): boolean {
  const sorted = (status: object | undefined) =>
    JSON.stringify(Object.entries(status ?? {}).sort(([a], [b]) => (a < b ? -1 : 1)));
  return sorted(present) === sorted(wanted);
}
