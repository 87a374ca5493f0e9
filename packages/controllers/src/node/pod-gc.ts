import { hasCode, type Logger, messageOf } from '@podwire/base';
import { type Informer, isPodOver, type KubeClient, type ObjectOf } from '@podwire/kube';
import { type Clock, systemClock } from '../clock.ts';
import { type Controller, type ControllerContext, forEach, nameOf, objectKey } from '../context.ts';
import { disruptionTarget } from './disruption-target.ts';
import { readyStatus } from './node-conditions.ts';

type Node = ObjectOf<'Node'>;
type Pod = ObjectOf<'Pod'>;

const TICK = 20_000;
/** How long, in ms, a node is missed before its pods are given up. */
const QUARANTINE = 40_000;
/** Pods that are over and may be kept for whoever wants to look at them. */
const KEPT_FINISHED = 12_500;
const OUT_OF_SERVICE = 'node.kubernetes.io/out-of-service';

/** Removes pods whose node is gone or written off, that end without ever having had one, and the oldest that are over. */
export function startPodCollector(context: ControllerContext): Controller {
  return new PodCollector(context);
}

class PodCollector implements Controller {
  readonly #client: KubeClient;
  readonly #pods: Informer<'Pod'>;
  readonly #nodes: Informer<'Node'>;
  readonly #logger: Logger;
  readonly #clock: Clock;
  /** When a node that pods name was first missed. */
  readonly #missed = new Map<string, number>();
  #cancel = (): void => {};

  constructor({ client, informers, logger, clock = systemClock }: ControllerContext) {
    this.#client = client;
    this.#pods = informers.of('Pod');
    this.#nodes = informers.of('Node');
    this.#logger = logger;
    this.#clock = clock;
    this.#tick();
  }

  stop(): void {
    this.#cancel();
  }

  #tick(): void {
    this.#sweep().catch((error) => {
      // A pod that has changed or gone meanwhile is looked at again at the next tick.
      if (!hasCode(error, 'KUBE_CONFLICT') && !hasCode(error, 'KUBE_NOT_FOUND'))
        this.#logger.error('pods not collected', { reason: messageOf(error) });
    });
    this.#cancel = this.#clock.after(TICK, () => this.#tick());
  }

  async #sweep(): Promise<void> {
    const gone = await this.#goneNodes();
    const pods = this.#pods.list();
    const lost = pods.filter(({ spec }) => gone.has(spec?.nodeName ?? ''));
    const ending = pods.filter((pod) => pod.metadata?.deletionTimestamp && !lost.includes(pod));
    const forsaken = ending.filter(({ spec }) => !spec?.nodeName || isWrittenOff(this.#nodes.get(spec.nodeName)));
    await Promise.all([
      forEach(lost, (pod) => this.#giveUp(pod)),
      forEach([...forsaken, ...surplus(pods, KEPT_FINISHED)], (pod) => this.#remove(pod)),
    ]);
  }

  /** Nodes that pods name and that have been missed for long. */
  async #goneNodes(): Promise<Set<string>> {
    const named = new Set(this.#pods.list().flatMap(({ spec }) => spec?.nodeName ?? []));
    const absent = [...named].filter((name) => !this.#nodes.get(name));
    for (const name of this.#missed.keys()) if (!absent.includes(name)) this.#missed.delete(name);
    const gone = new Set<string>();
    for (const name of absent) {
      const since = this.#missed.get(name) ?? this.#clock.now();
      this.#missed.set(name, since);
      if (this.#clock.now() - since < QUARANTINE) continue;
      if ((await this.#client.get('Node', { name })) === undefined) gone.add(name);
    }
    return gone;
  }

  async #giveUp(pod: Pod): Promise<void> {
    if (!isPodOver(pod)) {
      const message = 'PodGC: node no longer exists';
      const patch = disruptionTarget(pod, { reason: 'DeletionByPodGC', message, now: this.#clock.now() });
      const status = { ...patch.status, phase: 'Failed' };
      await this.#client.patch('Pod', objectKey(pod), { ...patch, status }, { subresource: 'status' });
    }
    await this.#remove(pod);
  }

  async #remove(pod: Pod): Promise<void> {
    const { uid } = pod.metadata ?? {};
    await this.#client.delete('Pod', objectKey(pod), { gracePeriodSeconds: 0, ...(uid ? { uid } : {}) });
  }
}

function isWrittenOff(node: Node | undefined): boolean {
  if (!node || readyStatus(node) === 'True') return false;
  return node.spec?.taints?.some(({ key }) => key === OUT_OF_SERVICE) ?? false;
}

/** The oldest of the pods that are over, when there are more than so many. */
export function surplus(pods: readonly Pod[], kept: number): Pod[] {
  const over = pods.filter((pod) => !pod.metadata?.deletionTimestamp && isPodOver(pod));
  if (over.length <= kept) return [];
  const age = (pod: Pod): string => `${pod.metadata?.creationTimestamp ?? ''} ${nameOf(pod)}`;
  return over.toSorted((a, b) => (age(a) < age(b) ? -1 : 1)).slice(0, over.length - kept);
}
