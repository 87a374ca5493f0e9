import { hasCode } from '@podwire/base';
import { type Informer, type KubeClient, kindNamed, type ObjectOf } from '@podwire/kube';
import { type Clock, systemClock, timestamp } from '../clock.ts';
import {
  type Controller,
  type ControllerContext,
  controllerOf,
  nameOf,
  namespaceOf,
  objectKey,
  ownedBy,
  visible,
} from '../context.ts';
import { type Remarks, remarksOn } from '../event.ts';
import { OwnerQueue } from '../owner-queue.ts';
import { type CronStep, cronJobName, planCron } from './cron-plan.ts';

type CronJob = ObjectOf<'CronJob'>;
type Job = ObjectOf<'Job'>;

/** Makes the Jobs of CronJobs at their times; without spec.timeZone in UTC. */
export function startCronJobs(context: ControllerContext): Controller {
  return new CronJobController(context).queue;
}

class CronJobController {
  readonly queue: OwnerQueue<'CronJob', 'Job'>;
  readonly #client: KubeClient;
  readonly #crons: Informer<'CronJob'>;
  readonly #jobs: Informer<'Job'>;
  readonly #clock: Clock;
  readonly #remark: Remarks;

  constructor(context: ControllerContext) {
    const { client, informers, clock = systemClock } = context;
    this.#client = client;
    this.#crons = informers.of('CronJob');
    this.#jobs = informers.of('Job');
    this.#clock = clock;
    this.#remark = remarksOn(client, 'CronJob', 'cronjob-controller');
    const reconcile = (cron: CronJob): Promise<number | undefined> => this.#reconcile(cron);
    this.queue = new OwnerQueue(context, { kind: 'CronJob', dependents: 'Job', reconcile });
  }

  async #reconcile(cron: CronJob): Promise<number | undefined> {
    const step = planCron(cron, this.queue.ownedBy(cron), this.#clock.now());
    await this.#take(cron, step);
    return step.next;
  }

  async #take(cron: CronJob, step: CronStep): Promise<void> {
    for (const one of step.remarks) this.#remark(cron, one);
    await Promise.all(step.remove.map((job) => this.#remove(cron, job)));
    const job = step.create === undefined ? undefined : await this.#create(cron, step.create);
    const isOwn = job && controllerOf(job)?.uid === cron.metadata?.uid;
    const status = {
      ...step.status,
      ...(isOwn ? { active: [...(step.status.active ?? []), referenceTo(job)] } : {}),
      ...(step.create === undefined ? {} : { lastScheduleTime: timestamp(step.create) }),
    };
    if (JSON.stringify(status) !== JSON.stringify(cron.status ?? {}))
      await visible(this.#crons, await this.#client.update('CronJob', { ...cron, status }, 'status'));
  }

  async #create(cron: CronJob, at: number): Promise<Job | undefined> {
    try {
      const job = await this.#client.create('Job', jobAt(cron, at));
      this.#remark(cron, { type: 'Normal', reason: 'SuccessfulCreate', message: `Created job ${nameOf(job)}` });
      await visible(this.#jobs, job);
      return job;
    } catch (error) {
      // Made before the status could be written.
      if (!hasCode(error, 'KUBE_ALREADY_EXISTS')) throw error;
      return this.#client.get('Job', { namespace: namespaceOf(cron), name: cronJobName(cron, at) });
    }
  }

  async #remove(cron: CronJob, job: Job): Promise<void> {
    const { uid } = job.metadata ?? {};
    await this.#client.delete('Job', objectKey(job), { propagationPolicy: 'Background', ...(uid ? { uid } : {}) });
    this.#remark(cron, { type: 'Normal', reason: 'SuccessfulDelete', message: `Deleted job ${nameOf(job)}` });
  }
}

function jobAt(cron: CronJob, at: number): Job {
  const { jobTemplate } = cron.spec ?? {};
  const { labels, annotations } = jobTemplate?.metadata ?? {};
  return {
    metadata: {
      name: cronJobName(cron, at),
      namespace: namespaceOf(cron),
      ...(labels ? { labels } : {}),
      annotations: { ...annotations, 'batch.kubernetes.io/cronjob-scheduled-timestamp': timestamp(at) },
      ownerReferences: [ownedBy(cron, 'CronJob', kindNamed('CronJob').apiVersion)],
    },
    ...(jobTemplate?.spec ? { spec: jobTemplate.spec } : {}),
  };
}

function referenceTo({ metadata }: Job) {
  const { name = '', namespace = '', uid = '', resourceVersion = '' } = metadata ?? {};
  return { kind: 'Job', namespace, name, uid, apiVersion: 'batch/v1', resourceVersion };
}
