import type { ObjectOf } from '@podwire/kube';
import { type JobStep, planJob } from './job-plan.ts';
import { type JobPodIndex, jobPod, TRACKING } from './job-pod.ts';

type Job = ObjectOf<'Job'>;
type Pod = ObjectOf<'Pod'>;
type Phase = 'Running' | 'Succeeded' | 'Failed';

export const START = Date.parse('2030-01-01T00:00:00Z');
export const INDEX = 'batch.kubernetes.io/job-completion-index';

export const job = (spec: object, status: object = {}): Job => ({
  metadata: { name: 'j', namespace: 'default', uid: 'job' },
  spec: { backoffLimit: 6, template: { spec: { containers: [], restartPolicy: 'Never' } }, ...spec },
  status,
});

/** A Job, its pods and a kubelet, all in memory. */
export class World {
  job: Job;
  pods: Pod[] = [];
  now = START;
  /** What really happened to pods nobody but the kubelet touched. */
  readonly ended = { Succeeded: 0, Failed: 0 };
  #made = 0;

  constructor(spec: object) {
    this.job = job(spec);
  }

  /** Takes a step up to a crash after so many of its parts. */
  step(parts = Number.POSITIVE_INFINITY): JobStep {
    const step = planJob(this.job, this.pods, this.now);
    const acts: (() => void)[] = [
      () => {
        this.job = { ...this.job, status: step.status };
      },
      ...[...step.release, ...step.withdraw].map((pod) => () => this.#change(pod, { finalizers: [] })),
      ...[...step.stop, ...step.withdraw].map((pod) => () => this.remove(pod)),
      ...step.create.map((which) => () => this.#make(which)),
    ];
    for (const act of acts.slice(0, parts)) act();
    return step;
  }

  finish(pod: Pod, phase: Phase, more: { exitCode?: number; conditions?: object[] } = {}): void {
    const { exitCode = phase === 'Failed' ? 1 : 0, conditions = [] } = more;
    const finishedAt = new Date(this.now).toISOString();
    const containerStatuses = [{ name: 'c', state: { terminated: { exitCode, finishedAt } } }];
    this.#replace(pod, { ...pod, status: { phase, containerStatuses, conditions } as Pod['status'] & object });
    if (phase !== 'Running') this.ended[phase]++;
  }

  /** As the API server does: at once, or when the finalizer goes. */
  remove(pod: Pod): void {
    this.#change(pod, { deletionTimestamp: new Date(this.now).toISOString() });
  }

  get running(): Pod[] {
    return this.pods.filter(({ metadata, status }) => status?.phase === 'Running' && !metadata?.deletionTimestamp);
  }

  #make(which: JobPodIndex | undefined): void {
    const name = `p${this.#made++}`;
    const annotations = jobPod(this.job, which).metadata?.annotations ?? {};
    const metadata = { name, namespace: 'default', uid: name, finalizers: [TRACKING], annotations };
    this.pods.push({ metadata, spec: { containers: [] }, status: { phase: 'Running' } });
  }

  #change(pod: Pod, metadata: object): void {
    const present = this.pods.find((one) => one.metadata?.uid === pod.metadata?.uid);
    if (present) this.#replace(present, { ...present, metadata: { ...present.metadata, ...metadata } });
  }

  #replace(pod: Pod, next: Pod): void {
    const isGone = next.metadata?.deletionTimestamp && !next.metadata.finalizers?.length;
    this.pods = this.pods.flatMap((one) => (one.metadata?.uid !== pod.metadata?.uid ? [one] : isGone ? [] : [next]));
  }
}
