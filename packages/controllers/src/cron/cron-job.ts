import { hasCode } from '@podwire/base';
import { kindNamed, ObjectIndex, type ObjectOf } from '@podwire/kube';
import { systemClock, timestamp } from '../clock.ts';
import {
  type Controller,
  type ControllerContext,
  controllerOf,
  keyOf,
  nameOf,
  namespaceOf,
  objectKey,
  ownedBy,
  splitKey,
  visible,
} from '../context.ts';
import { remarksOn } from '../event.ts';
import { KeyQueue } from '../key-queue.ts';
import { type CronStep, cronJobName, jobsOfCron, planCron } from './cron-plan.ts';

type CronJob = ObjectOf<'CronJob'>;
type Job = ObjectOf<'Job'>;

/** Makes the Jobs of CronJobs at their times; without spec.timeZone in UTC. */
export function startCronJobs({ client, informers, logger, clock = systemClock }: ControllerContext): Controller {
  const crons = informers.of('CronJob');
  const jobs = informers.of('Job');
  const byCron = new ObjectIndex(jobs, (job) => [cronKeyOf(job) ?? []].flat());
  const remark = remarksOn(client, 'CronJob', 'cronjob-controller');

  const create = async (cron: CronJob, at: number): Promise<Job | undefined> => {
    try {
      const job = await client.create('Job', jobAt(cron, at));
      remark(cron, { type: 'Normal', reason: 'SuccessfulCreate', message: `Created job ${nameOf(job)}` });
      await visible(jobs, job);
      return job;
    } catch (error) {
      // Made before the status could be written.
      if (!hasCode(error, 'KUBE_ALREADY_EXISTS')) throw error;
      return client.get('Job', { namespace: namespaceOf(cron), name: cronJobName(cron, at) });
    }
  };
  const remove = async (cron: CronJob, job: Job): Promise<void> => {
    const { uid } = job.metadata ?? {};
    await client.delete('Job', objectKey(job), { propagationPolicy: 'Background', ...(uid ? { uid } : {}) });
    remark(cron, { type: 'Normal', reason: 'SuccessfulDelete', message: `Deleted job ${nameOf(job)}` });
  };
  const take = async (cron: CronJob, step: CronStep): Promise<void> => {
    for (const one of step.remarks) remark(cron, one);
    await Promise.all(step.remove.map((job) => remove(cron, job)));
    const job = step.create === undefined ? undefined : await create(cron, step.create);
    const isOwn = job && controllerOf(job)?.uid === cron.metadata?.uid;
    const status = {
      ...step.status,
      ...(isOwn ? { active: [...(step.status.active ?? []), referenceTo(job)] } : {}),
      ...(step.create === undefined ? {} : { lastScheduleTime: timestamp(step.create) }),
    };
    if (JSON.stringify(status) !== JSON.stringify(cron.status ?? {}))
      await visible(crons, await client.update('CronJob', { ...cron, status }, 'status'));
  };
  const reconcile = async (key: string): Promise<number | undefined> => {
    const { name, namespace } = splitKey(key);
    const cron = crons.get(name, namespace);
    if (!cron || cron.metadata?.deletionTimestamp) return undefined;
    const step = planCron(cron, jobsOfCron(cron, byCron.get(key)), clock.now());
    await take(cron, step);
    return step.next;
  };
  const queue = new KeyQueue({ name: 'cronjob', logger, reconcile, clock });
  const ends = [
    crons.subscribe(({ type, object }) => type !== 'deleted' && queue.add(keyOf(object))),
    jobs.subscribe(({ object }) => {
      const key = cronKeyOf(object);
      if (key !== undefined) queue.add(key);
    }),
  ];
  return { stop: () => [...ends.map((end) => end()), byCron.stop(), queue.stop()] };
}

function cronKeyOf(job: Job): string | undefined {
  const owner = controllerOf(job);
  return owner?.kind === 'CronJob' ? `${namespaceOf(job)}/${owner.name}` : undefined;
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
