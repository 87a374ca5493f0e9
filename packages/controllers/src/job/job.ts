import { type Informer, type KubeClient, ObjectIndex, type ObjectOf, type WorkQueue } from '@podwire/kube';
import { type Clock, systemClock, timeOf } from '../clock.ts';
import {
  type Controller,
  type ControllerContext,
  controllerOf,
  isActive,
  keyOf,
  namespaceOf,
  objectKey,
  ownedBy,
  splitKey,
  visible,
} from '../context.ts';
import { type Remarks, remarksOn } from '../event.ts';
import { OwnedPods } from '../owned-pods.ts';
import { controlled, orphansOf } from '../owner-queue.ts';
import { isSelected } from '../pod-template.ts';
import { startReconciler } from '../reconciler.ts';
import { finishedCondition } from './job-conditions.ts';
import { type JobStep, planJob } from './job-plan.ts';
import { isTracked, jobPod, TRACKING } from './job-pod.ts';
import { jobRemarks } from './job-remarks.ts';

type Job = ObjectOf<'Job'>;
type Pod = ObjectOf<'Pod'>;

const CONTROLLER = 'kubernetes.io/job-controller';

/** Runs Jobs to their end, and removes them ttlSecondsAfterFinished later. */
export function startJobs(context: ControllerContext): Controller {
  return new JobController(context);
}

class JobController implements Controller {
  readonly #client: KubeClient;
  readonly #jobs: Informer<'Job'>;
  readonly #pods: Informer<'Pod'>;
  readonly #byJob: ObjectIndex<'Pod'>;
  readonly #orphans: ObjectIndex<'Pod'>;
  readonly #owned: OwnedPods;
  readonly #remark: Remarks;
  readonly #clock: Clock;
  readonly #queue: WorkQueue;
  readonly #ends: readonly (() => void)[];

  constructor(context: ControllerContext) {
    const { client, informers, logger, clock = systemClock } = context;
    const pods = informers.of('Pod');
    this.#client = client;
    this.#clock = clock;
    this.#jobs = informers.of('Job');
    this.#pods = pods;
    this.#orphans = controlled(pods);
    this.#byJob = new ObjectIndex(pods, (pod) => [jobKeyOf(pod) ?? []].flat());
    this.#owned = new OwnedPods(context, 'Job');
    this.#remark = remarksOn(client, 'Job', 'job-controller');
    this.#queue = startReconciler({ name: 'job', logger, reconcile: (key) => this.#reconcile(key), clock });
    this.#ends = [
      this.#byJob.stop,
      this.#jobs.subscribe(({ object }) => this.#queue.add(keyOf(object))),
      pods.subscribe(({ object }) => {
        const key = jobKeyOf(object);
        if (key !== undefined) this.#queue.add(key);
        else if (!controllerOf(object)) for (const job of this.#adopters(object)) this.#queue.add(keyOf(job));
      }),
    ];
  }

  stop(): void {
    for (const end of this.#ends) end();
    this.#queue.shutDown();
  }

  async #reconcile(key: string): Promise<number | undefined> {
    const { name, namespace } = splitKey(key);
    const job = this.#jobs.get(name, namespace);
    if (job) await this.#adopt(job);
    const all = this.#byJob.get(key);
    const mine = all.filter((pod) => controllerOf(pod)?.uid === job?.metadata?.uid);
    const lost = !job || job.metadata?.deletionTimestamp ? all : all.filter((pod) => !mine.includes(pod));
    await Promise.all(lost.filter(isTracked).map((pod) => this.#release(pod)));
    if (!job || job.metadata?.deletionTimestamp || !isOurs(job)) return undefined;
    const step = planJob(job, mine, this.#clock.now());
    await this.#take(job, step);
    const left = timeToLive(job, this.#clock.now());
    if (left === undefined || left > 0) return left ?? step.next;
    const { uid } = job.metadata ?? {};
    await this.#client.delete('Job', objectKey(job), { propagationPolicy: 'Foreground', ...(uid ? { uid } : {}) });
    return undefined;
  }

  /** Jobs that would take in a pod of nobody. */
  #adopters(pod: Pod): Job[] {
    const near = this.#jobs.list().filter((job) => namespaceOf(job) === namespaceOf(pod));
    return near.filter((job) => isSelected(job, pod) && !finishedCondition(job));
  }

  async #adopt(job: Job): Promise<void> {
    if (job.metadata?.deletionTimestamp || finishedCondition(job) || !isOurs(job)) return;
    for (const pod of this.#orphans.get(orphansOf(namespaceOf(job)))) {
      if (!isActive(pod) || !isSelected(job, pod)) continue;
      const { uid = '', resourceVersion = '', ownerReferences = [], finalizers = [] } = pod.metadata ?? {};
      const owners = [...ownerReferences, ownedBy(job, 'Job', 'batch/v1')];
      const metadata = {
        uid,
        resourceVersion,
        ownerReferences: owners,
        finalizers: [...new Set([...finalizers, TRACKING])],
      };
      await visible(this.#pods, await this.#client.patch('Pod', objectKey(pod), { metadata }));
    }
  }

  async #take(job: Job, step: JobStep): Promise<void> {
    if (!sameStatus(job.status, step.status)) {
      await visible(this.#jobs, await this.#client.update('Job', { ...job, status: step.status }, 'status'));
      for (const one of jobRemarks(job.status, step.status)) this.#remark(job, one);
    }
    await Promise.all([...step.release, ...step.withdraw.filter(isTracked)].map((pod) => this.#release(pod)));
    await Promise.all([...step.stop, ...step.withdraw].map((pod) => this.#owned.delete(job, pod)));
    await Promise.all(step.create.map((which) => this.#owned.create(job, jobPod(job, which))));
  }

  async #release(pod: Pod): Promise<void> {
    const finalizers = (pod.metadata?.finalizers ?? []).filter((name) => name !== TRACKING);
    const { uid = '' } = pod.metadata ?? {};
    await this.#client.patch('Pod', objectKey(pod), {
      metadata: { uid, finalizers: finalizers.length > 0 ? finalizers : null },
    });
  }
}

const isOurs = ({ spec }: Job): boolean => (spec?.managedBy ?? CONTROLLER) === CONTROLLER;

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
