import type { Duplex, Readable } from 'node:stream';
import { PodwireError } from '@podwire/base';
import { connectTcp } from '@podwire/kernel';
import type {
  AttachOptions,
  ExecOptions,
  ExecSession,
  Informers,
  LogOptions,
  PodReference,
  PodStreams,
} from '@podwire/kube';
import type { EngineContainer } from './container-engine.ts';
import type { ContainerLoop } from './container-loop.ts';
import { discardInput } from './exec-session.ts';
import type { PodActor } from './pod-actor.ts';
import type { PodRuntime } from './pod-runtime.ts';

const FORWARD_TIMEOUT = 10_000;

/** logs, exec, attach and port-forward for the pods of all these nodes. */
export function createPodStreams(runtimes: ReadonlyMap<string, PodRuntime>, informers: () => Informers): PodStreams {
  const find = (pod: PodReference): PodActor => {
    for (const runtime of runtimes.values()) {
      const actor = runtime.pod(pod.uid);
      if (actor) return actor;
    }
    const node = informers().of('Pod').get(pod.name, pod.namespace)?.spec?.nodeName;
    const why = node ? `node ${node} does not run it (any more)` : 'it is not assigned to a node yet';
    throw new PodwireError('LAB_POD_NOT_FOUND', `pod ${pod.namespace}/${pod.name} has no containers: ${why}`);
  };
  return {
    logs: async (pod, options) => readLogs(findContainer(find(pod), options.container), pod, options),
    exec: async (pod, options) => openExec(findContainer(find(pod), options.container), pod, options),
    attach: async (pod, options) => openAttach(findContainer(find(pod), options.container), pod, options),
    portForward: (pod, port) => forward(find(pod), port),
    connectNode: async (name, port) => {
      const runtime = runtimes.get(name);
      if (!runtime) throw new PodwireError('LAB_NODE', `node ${name} is not running`);
      return runtime.connect(port);
    },
  };
}

function findContainer(actor: PodActor, name: string): ContainerLoop {
  const wanted = name || actor.pod.spec?.containers?.[0]?.name || '';
  const loop = actor.container(wanted);
  if (loop) return loop;
  throw new PodwireError(
    'LAB_CONTAINER_NOT_FOUND',
    `container ${wanted} is not valid for pod ${actor.pod.metadata?.name}`,
  );
}

function readLogs(loop: ContainerLoop, pod: PodReference, options: LogOptions): Readable {
  const { name } = loop.container;
  const run = options.previous ? loop.previous : loop.current;
  if (!run) {
    const { state } = loop.view();
    const why = options.previous
      ? `previous terminated container "${name}" in pod "${pod.name}" not found`
      : `container "${name}" in pod "${pod.name}" is waiting to start: ${state.state === 'waiting' ? state.reason : state.state}`;
    throw new PodwireError('LAB_CONTAINER_STATE', why);
  }
  const { follow, tailLines, timestamps, limitBytes } = options;
  const since = sinceOf(options);
  return run.logs({
    follow: follow && !options.previous,
    ...(tailLines === undefined ? {} : { tailLines }),
    ...(timestamps === undefined ? {} : { timestamps }),
    ...(limitBytes === undefined ? {} : { limitBytes }),
    ...(since ? { since } : {}),
  });
}

function sinceOf({ sinceSeconds, sinceTime }: LogOptions): Date | undefined {
  if (sinceTime !== undefined) return new Date(sinceTime);
  return sinceSeconds === undefined ? undefined : new Date(Date.now() - sinceSeconds * 1000);
}

function runningContainer(loop: ContainerLoop, pod: PodReference): EngineContainer {
  if (loop.current && loop.view().state.state === 'running') return loop.current;
  throw new PodwireError(
    'LAB_CONTAINER_STATE',
    `container not found: "${loop.container.name}" of pod ${pod.namespace}/${pod.name} is not running`,
  );
}

async function openExec(loop: ContainerLoop, pod: PodReference, options: ExecOptions): Promise<ExecSession> {
  const { command, tty, stdin } = options;
  return runningContainer(loop, pod).exec({ command, tty, stdin });
}

async function openAttach(loop: ContainerLoop, pod: PodReference, options: AttachOptions): Promise<ExecSession> {
  const session = runningContainer(loop, pod).attach();
  // Somebody who attached without stdin must not close it for the others.
  return options.stdin ? session : { ...session, stdin: discardInput() };
}

async function forward(actor: PodActor, port: number): Promise<Duplex> {
  const { sandbox } = actor;
  if (!sandbox)
    throw new PodwireError('LAB_CONTAINER_STATE', `pod ${actor.pod.metadata?.name} has no network namespace (yet)`);
  return connectTcp({ netns: sandbox.netns, address: '127.0.0.1', port, timeout: FORWARD_TIMEOUT });
}
