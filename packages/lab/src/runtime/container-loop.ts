import path from 'node:path';
import { hasCode, messageOf } from '@podwire/base';
import { type Backoff, formatDelay, nextBackoff, noBackoff } from './backoff.ts';
import type { ContainerEngine, ContainerExit, ContainerSpec, EngineContainer } from './container-engine.ts';
import type { Container } from './container-environment.ts';
import type { ContainerState, ContainerView, Termination } from './container-view.ts';
import { secondsToDelay } from './delay.ts';
import { collectOutput } from './exec-session.ts';
import { LifecycleHooks } from './lifecycle-hooks.ts';
import type { ProbePlace } from './probe-call.ts';
import { Prober } from './prober.ts';

export type RestartPolicy = 'Always' | 'OnFailure' | 'Never';

/** What a container's loop needs from its pod. */
export interface LoopContext {
  readonly engine: ContainerEngine;
  readonly restartPolicy: RestartPolicy;
  /** Why it waits before its first start. */
  readonly waitReason: 'ContainerCreating' | 'PodInitializing';
  /** Runs before this process began to look after the pod. */
  readonly earlierRestarts: number;
  readonly directory: string;
  /** `web_default(uid)`, for messages. */
  readonly podLabel: string;
  prepare(container: Container, logPath: string): Promise<ContainerSpec>;
  probePlace(container: Container, exec: ProbePlace['exec']): ProbePlace;
  event(type: 'Normal' | 'Warning', reason: string, message: string): void;
  /** Something of view() is different; `urgent`: others wait for it. */
  changed(urgent: boolean): void;
}

const CONFIG_RETRY = 2000;

/** Runs one container of a pod: starts it, probes it, starts it again as its policy says, until it is over or stopped. */
export class ContainerLoop {
  readonly container: Container;
  readonly #context: LoopContext;
  readonly #stopping = new AbortController();
  readonly #startedOnce = Promise.withResolvers<void>();
  #current: EngineContainer | undefined;
  #previous: EngineContainer | undefined;
  #hooks: LifecycleHooks | undefined;
  #state: ContainerState;
  #last: Termination | undefined;
  #restarts: number;
  #backoff: Backoff = noBackoff;
  #started = false;
  #ready = false;
  #loop: Promise<void> | undefined;

  constructor(container: Container, context: LoopContext) {
    this.container = container;
    this.#context = context;
    this.#restarts = context.earlierRestarts;
    this.#state = { state: 'waiting', reason: context.waitReason };
  }

  /** Resolves when the container will not run again. */
  run(): Promise<void> {
    this.#loop ??= this.#run().finally(() => this.#startedOnce.resolve());
    return this.#loop;
  }

  /** Resolves when it has passed its startup probe for the first time, or never will. */
  get up(): Promise<void> {
    return this.#startedOnce.promise;
  }

  get succeeded(): boolean {
    return this.#state.state === 'terminated' && this.#state.end.exitCode === 0;
  }

  get current(): EngineContainer | undefined {
    return this.#current;
  }

  get previous(): EngineContainer | undefined {
    return this.#previous;
  }

  view(): ContainerView {
    return {
      name: this.container.name,
      image: this.container.image ?? '',
      imageId: this.#current?.imageId ?? '',
      containerId: this.#current?.id ?? '',
      state: this.#state,
      last: this.#last,
      restarts: this.#restarts,
      started: this.#started,
      ready: this.#ready,
    };
  }

  /** Ends the container within `grace` ms, the preStop hook included. */
  async stop(grace: number): Promise<void> {
    this.#stopping.abort();
    if (this.#current && this.#state.state === 'running') {
      this.#context.event('Normal', 'Killing', `Stopping container ${this.container.name}`);
      const left = await (this.#hooks?.preStop(grace) ?? grace);
      await this.#current.stop(left);
    } else if (this.#current) {
      await this.#current.stop(0);
    }
    await this.#loop;
  }

  removeLogs(): void {
    this.#current?.remove();
    this.#previous?.remove();
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      const end = await this.#runOnce();
      if (!end) {
        await this.#sleep(CONFIG_RETRY);
        continue;
      }
      this.#last = end;
      this.#setState({ state: 'terminated', end });
      const { restartPolicy } = this.#context;
      if (restartPolicy === 'Never' || (restartPolicy === 'OnFailure' && end.exitCode === 0)) return;
      if (this.#stopping.signal.aborted) return;
      await this.#backOff(end);
    }
  }

  /** One run to its end; undefined when it could not be configured. */
  async #runOnce(): Promise<Termination | undefined> {
    const run = await this.#create();
    if (!run || this.#stopping.signal.aborted) return undefined;
    const startedAt = new Date();
    try {
      await run.start();
      this.#context.event('Normal', 'Started', `Started container ${this.container.name}`);
      if (await this.#postStart(run)) this.#watch(run, startedAt);
    } catch (error) {
      this.#context.event('Warning', 'Failed', `Error: ${messageOf(error)}`);
      await run.stop(0);
    }
    const exit = await run.exited;
    return { ...termination(exit), startedAt, finishedAt: new Date(), containerId: run.id };
  }

  async #create(): Promise<EngineContainer | undefined> {
    const { name, image } = this.container;
    const { engine, directory, event } = this.#context;
    try {
      const spec = await this.#context.prepare(this.container, path.join(directory, `${name}.${this.#restarts}.log`));
      const run = await engine.create(spec);
      this.#previous?.remove();
      this.#previous = this.#current;
      this.#current = run;
      event('Normal', 'Pulled', `Container image "${image}" already present on machine`);
      for (const note of run.notes) event('Normal', 'ImagePlayed', note);
      event('Normal', 'Created', `Created container: ${name}`);
      return run;
    } catch (error) {
      const reason = hasCode(error, 'LAB_CONTAINER_CONFIG') ? 'CreateContainerConfigError' : 'CreateContainerError';
      event('Warning', 'Failed', `Error: ${messageOf(error)}`);
      this.#setState({ state: 'waiting', reason, message: messageOf(error) });
      return undefined;
    }
  }

  /** Runs the postStart hook; a failure ends the container. */
  async #postStart(run: EngineContainer): Promise<boolean> {
    this.#hooks = new LifecycleHooks(
      this.container,
      this.#context.probePlace(this.container, execOf(run)),
      this.#context.event,
    );
    if (await this.#hooks.postStart()) return true;
    await run.stop(2000);
    return false;
  }

  #watch(run: EngineContainer, startedAt: Date): void {
    this.#setState({ state: 'running', startedAt });
    const { name } = this.container;
    const prober = new Prober(this.#context.probePlace(this.container, execOf(run)), {
      started: () => this.#setStarted(),
      ready: (ready) => this.#setReady(ready),
      unhealthy: (kind, message) =>
        this.#context.event('Warning', 'Unhealthy', `${capital(kind)} probe failed: ${message}`),
      dead: (kind) => {
        this.#context.event('Normal', 'Killing', `Container ${name} failed ${kind} probe, will be restarted`);
        void run.stop(secondsToDelay(this.container[`${kind}Probe`]?.terminationGracePeriodSeconds ?? 30));
      },
    });
    void run.exited.then(() => {
      prober.stop();
      this.#started = false;
      this.#ready = false;
    });
  }

  async #backOff(end: Termination): Promise<void> {
    this.#backoff = nextBackoff(this.#backoff, end.finishedAt.getTime() - end.startedAt.getTime());
    const { delay } = this.#backoff;
    if (delay > 0) {
      const { podLabel, event } = this.#context;
      const { name } = this.container;
      event('Warning', 'BackOff', `Back-off restarting failed container ${name} in pod ${podLabel}`);
      const message = `back-off ${formatDelay(delay)} restarting failed container=${name} pod=${podLabel}`;
      this.#setState({ state: 'waiting', reason: 'CrashLoopBackOff', message });
      await this.#sleep(delay);
    }
    if (!this.#stopping.signal.aborted) this.#restarts += 1;
  }

  #setState(state: ContainerState): void {
    this.#state = state;
    this.#context.changed(state.state !== 'running');
  }

  #setStarted(): void {
    this.#started = true;
    this.#startedOnce.resolve();
    this.#context.changed(false);
  }

  #setReady(ready: boolean): void {
    this.#ready = ready;
    this.#context.changed(true);
  }

  #sleep(ms: number): Promise<void> {
    const { signal } = this.#stopping;
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(done, ms);
      signal.addEventListener('abort', done, { once: true });
      function done(): void {
        clearTimeout(timer);
        signal.removeEventListener('abort', done);
        resolve();
      }
    });
  }
}

function termination({ code, reason, message }: ContainerExit): Pick<Termination, 'exitCode' | 'reason' | 'message'> {
  return { exitCode: code, reason, ...(message === undefined ? {} : { message }) };
}

function capital(word: string): string {
  return word.slice(0, 1).toUpperCase() + word.slice(1);
}

const PROBE_OUTPUT = 10_240;

/** Runs a command in the container to its end, within a time. */
function execOf(run: EngineContainer): ProbePlace['exec'] {
  return async (command, timeout) =>
    collectOutput(await run.exec({ command, tty: false, stdin: false }), { timeout, bytes: PROBE_OUTPUT });
}
