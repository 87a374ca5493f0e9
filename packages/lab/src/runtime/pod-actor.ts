import path from 'node:path';
import { hasCode, messageOf } from '@podwire/base';
import type { Pod } from '@podwire/kube';
import type { Container } from './container-environment.ts';
import { ContainerLoop, type RestartPolicy } from './container-loop.ts';
import { buildContainerSpec } from './container-spec.ts';
import { clampDelay, LONGEST_DELAY, secondsToDelay } from './delay.ts';
import type { PodContext } from './pod-context.ts';
import { type PodView, podStatusPatch } from './pod-status.ts';
import { PodVolumes } from './pod-volumes.ts';
import { gracePeriod } from './probe-target.ts';
import { createSandbox, removeDirectory, type Sandbox } from './sandbox.ts';
import { StatusWriter } from './status-writer.ts';
import { volumeInputs } from './volume-inputs.ts';

type Conditions = NonNullable<Pod['status']>['conditions'];

const VOLUME_RETRY = 500;
const SANDBOX_RETRY = [100, 5000] as const;

/**
 * The life of one pod on this node:
 *
 *   sandbox (netns, CNI, files) ─▶ init containers, one by one ─▶ containers, all at once ─▶ over or deleted
 *        │ fails: again              sidecars stay                each a ContainerLoop         sandbox removed
 */
export class PodActor {
  readonly #context: PodContext;
  readonly #status: StatusWriter;
  readonly #startTime: Date;
  readonly #init: ContainerLoop[];
  readonly #main: ContainerLoop[];
  readonly #stopped = Promise.withResolvers<void>();
  readonly #directory: string;
  #pod: Pod;
  #conditions: Conditions;
  #sandbox: Sandbox | undefined;
  readonly #volumes: PodVolumes;
  #ips: readonly string[] = [];
  #failure: PodView['failure'];
  #life: Promise<void> = Promise.resolve();
  #ending: Promise<void> | undefined;
  #grace = Number.POSITIVE_INFINITY;
  #gone = false;
  #deadline: NodeJS.Timeout | undefined;

  constructor(pod: Pod, context: PodContext) {
    this.#pod = pod;
    this.#context = context;
    this.#directory = path.join(context.directory, pod.metadata?.uid ?? '');
    this.#startTime = pod.status?.startTime ? new Date(pod.status.startTime) : new Date();
    this.#conditions = pod.status?.conditions ?? [];
    this.#volumes = new PodVolumes({
      pod,
      directory: path.join(this.#directory, 'volumes'),
      claims: context.claims,
      source: volumeInputs(
        () => this.#pod,
        () => this.#ips[0] ?? '',
        context,
      ),
      warn: (reason, message) => this.#event('Warning', reason, message),
    });
    this.#init = (pod.spec?.initContainers ?? []).map((c) => this.#loop(c, true));
    this.#main = (pod.spec?.containers ?? []).map((c) => this.#loop(c, false));
    this.#status = new StatusWriter({
      client: context.client,
      pod,
      logger: context.logger,
      make: () => podStatusPatch(this.#view(), new Date()),
      written: (result) => {
        this.#conditions = result.status?.conditions;
      },
    });
  }

  get pod(): Pod {
    return this.#pod;
  }

  get sandbox(): Sandbox | undefined {
    return this.#sandbox;
  }

  start(): void {
    const seconds = this.#pod.spec?.activeDeadlineSeconds;
    if (seconds) this.#expireAt(this.#startTime.getTime() + seconds * 1000);
    this.#life = this.#live().catch((error) => this.#report('run', error));
    this.update(this.#pod);
  }

  /** The pod has changed in the API. */
  update(pod: Pod): void {
    this.#pod = pod;
    if (pod.metadata?.deletionTimestamp) this.#end(gracePeriod(pod));
    else if (pod.spec?.readinessGates || pod.spec?.ephemeralContainers) this.#status.changed(true);
    else this.#insist(pod);
  }

  /** The cluster, not having heard of this node, has said that the pod is not ready: it is. */
  #insist(pod: Pod): void {
    const readyOf = (conditions: Conditions) => conditions?.find(({ type }) => type === 'Ready')?.status;
    if (readyOf(pod.status?.conditions) !== 'False' || readyOf(this.#conditions) !== 'True') return;
    this.#conditions = pod.status?.conditions;
    this.#status.changed(false);
  }

  /** The pod is no longer in the API. Resolves when nothing of it is left. */
  vanish(): Promise<void> {
    this.#gone = true;
    this.#status.stop();
    this.#end(0);
    return this.#ending ?? Promise.resolve();
  }

  /** The loop of a container by name, init containers included. */
  container(name: string): ContainerLoop | undefined {
    return [...this.#main, ...this.#init].find((l) => l.container.name === name);
  }

  async #live(): Promise<void> {
    this.#status.changed(false);
    if (!(await this.#makeSandbox()) || !(await this.#makeVolumes())) return;
    this.#status.changed(false);
    if (!(await this.#initialize())) return this.#finish();
    await Promise.all(this.#main.map((loop) => loop.run()));
    await this.#finish();
  }

  async #makeSandbox(): Promise<boolean> {
    for (
      let [delay, longest]: number[] = [...SANDBOX_RETRY];
      !this.#ending;
      delay = Math.min((delay ?? 0) * 2, longest ?? 0)
    ) {
      try {
        this.#sandbox = await createSandbox(this.#pod, path.join(this.#directory, 'etc'), this.#context.sandbox);
        this.#ips = this.#sandbox.ips;
        return !this.#ending;
      } catch (error) {
        this.#event('Warning', 'FailedCreatePodSandBox', `Failed to create pod sandbox: ${messageOf(error)}`);
        await Promise.race([this.#stopped.promise, new Promise((resolve) => setTimeout(resolve, delay))]);
      }
    }
    return false;
  }

  /** False when the pod ends before everything its volumes are made of is there. */
  async #makeVolumes(): Promise<boolean> {
    let told = '';
    while (!this.#ending) {
      try {
        await this.#volumes.prepare();
        return !this.#ending;
      } catch (error) {
        if (messageOf(error) !== told) this.#event('Warning', 'FailedMount', messageOf(error));
        told = messageOf(error);
        await Promise.race([this.#stopped.promise, new Promise((resolve) => setTimeout(resolve, VOLUME_RETRY))]);
      }
    }
    return false;
  }

  /** Runs the init containers; false when one failed for good or the pod ends. */
  async #initialize(): Promise<boolean> {
    for (const loop of this.#init) {
      if (this.#ending) return false;
      const run = loop.run();
      if (isSidecar(loop.container)) {
        await loop.up;
        continue;
      }
      await run;
      if (!loop.succeeded) return false;
    }
    return !this.#ending;
  }

  /** All containers that end have ended: what is left goes, logs and status stay. */
  async #finish(): Promise<void> {
    if (this.#ending) return;
    clearTimeout(this.#deadline);
    this.#volumes.stop();
    await Promise.all(this.#init.map((loop) => loop.stop(gracePeriod(this.#pod))));
    await this.#sandbox?.remove();
    this.#sandbox = undefined;
    this.#status.changed(true);
  }

  #end(grace: number): void {
    if (grace >= this.#grace) return;
    this.#grace = grace;
    // A shorter grace than the one being waited for ends the containers sooner.
    const stopped = this.#stopContainers(grace);
    this.#ending ??= stopped.then(() => this.#cleanUp());
  }

  async #stopContainers(grace: number): Promise<void> {
    clearTimeout(this.#deadline);
    this.#volumes.stop();
    this.#stopped.resolve();
    const deadline = performance.now() + grace;
    const left = (): number => Math.max(0, deadline - performance.now());
    await Promise.all(this.#main.map((loop) => loop.stop(grace)));
    for (const loop of [...this.#init].reverse()) await loop.stop(left());
  }

  async #cleanUp(): Promise<void> {
    await this.#life;
    await this.#sandbox?.remove();
    this.#sandbox = undefined;
    for (const loop of [...this.#init, ...this.#main]) loop.removeLogs();
    removeDirectory(this.#directory);
    if (this.#gone) return;
    await this.#status.settled();
    this.#status.stop();
    await this.#deleteObject();
  }

  async #deleteObject(): Promise<void> {
    const { name = '', namespace = '', uid = '' } = this.#pod.metadata ?? {};
    for (let delay = 50; !this.#gone; delay = Math.min(delay * 2, 5000)) {
      try {
        await this.#context.client.delete('Pod', { name, namespace }, { gracePeriodSeconds: 0, uid });
        return;
      } catch (error) {
        if (hasCode(error, 'KUBE_CONFLICT') || hasCode(error, 'KUBE_NOT_FOUND')) return;
        this.#report('delete', error);
        await new Promise((resolve) => setTimeout(resolve, delay));
      }
    }
  }

  /** A deadline further away than a timer reaches is looked at again. */
  #expireAt(deadline: number): void {
    const left = deadline - Date.now();
    const next = left > LONGEST_DELAY ? () => this.#expireAt(deadline) : () => this.#expire();
    this.#deadline = setTimeout(next, clampDelay(left));
  }

  #expire(): void {
    this.#failure = {
      reason: 'DeadlineExceeded',
      message: 'Pod was active on the node longer than the specified deadline',
    };
    this.#event('Normal', 'DeadlineExceeded', this.#failure.message);
    void this.#stopContainers(secondsToDelay(this.#pod.spec?.terminationGracePeriodSeconds ?? 30));
    this.#status.changed(true);
  }

  #view(): PodView {
    const own = this.#conditions ?? [];
    const others = (this.#pod.status?.conditions ?? []).filter((c) => !own.some((o) => o.type === c.type));
    const gates = new Set((this.#pod.spec?.readinessGates ?? []).map((g) => g.conditionType));
    const fresh = (this.#pod.status?.conditions ?? []).filter((c) => gates.has(c.type));
    const conditions = [
      ...own.filter((c) => !fresh.some((f) => f.type === c.type)),
      ...others.filter((c) => !gates.has(c.type)),
      ...fresh,
    ];
    return {
      pod: { ...this.#pod, status: { ...this.#pod.status, conditions } },
      hostIp: this.#context.nodeAddress,
      podIps: this.#ips,
      startTime: this.#startTime,
      init: this.#init.map((loop) => loop.view()),
      sidecars: new Set(this.#init.filter((l) => isSidecar(l.container)).map((l) => l.container.name)),
      main: this.#main.map((loop) => loop.view()),
      ...(this.#failure ? { failure: this.#failure } : {}),
    };
  }

  #loop(container: Container, init: boolean): ContainerLoop {
    const { name = '', namespace = '', uid = '' } = this.#pod.metadata ?? {};
    const path = `spec.${init ? 'initContainers' : 'containers'}{${container.name}}`;
    return new ContainerLoop(container, {
      engine: this.#context.engine,
      restartPolicy: restartPolicyOf(this.#pod, container, init),
      waitReason: this.#pod.spec?.initContainers?.length ? 'PodInitializing' : 'ContainerCreating',
      earlierRestarts: earlierRestarts(this.#pod, container.name),
      directory: this.#directory,
      podLabel: `${name}_${namespace}(${uid})`,
      prepare: (c, logPath) =>
        buildContainerSpec(this.#pod, c, {
          sandbox: this.#mustSandbox(),
          volumes: this.#volumes,
          logPath,
          context: this.#context,
        }),
      probePlace: (c, exec) => ({
        netns: this.#context.sandbox.nodeNetns,
        podIp: this.#ips[0] ?? '',
        container: c,
        exec,
      }),
      event: (type, reason, message) => this.#event(type, reason, message, path),
      changed: (urgent) => this.#status.changed(urgent),
    });
  }

  #mustSandbox(): Sandbox {
    if (!this.#sandbox) throw new Error('the sandbox of the pod has gone');
    return this.#sandbox;
  }

  #event(type: 'Normal' | 'Warning', reason: string, message: string, fieldPath?: string): void {
    this.#context.events({ pod: this.#pod, type, reason, message, ...(fieldPath ? { fieldPath } : {}) });
  }

  #report(what: string, error: unknown): void {
    const { namespace, name } = this.#pod.metadata ?? {};
    this.#context.logger.error('pod step failed', {
      pod: `${namespace}/${name}`,
      step: what,
      reason: messageOf(error),
    });
  }
}

function isSidecar(container: Container): boolean {
  return container.restartPolicy === 'Always';
}

function restartPolicyOf(pod: Pod, container: Container, init: boolean): RestartPolicy {
  const policy =
    pod.spec?.restartPolicy === 'Never' || pod.spec?.restartPolicy === 'OnFailure' ? pod.spec.restartPolicy : 'Always';
  if (!init) return policy;
  if (isSidecar(container)) return 'Always';
  return policy === 'Always' ? 'OnFailure' : policy;
}

/** A pod that ran before this process started counts that as a restart, as after a reboot of a node. */
function earlierRestarts(pod: Pod, name: string): number {
  const all = [...(pod.status?.containerStatuses ?? []), ...(pod.status?.initContainerStatuses ?? [])];
  const before = all.find((c) => c.name === name);
  return before?.containerID ? (before.restartCount ?? 0) + 1 : 0;
}
