import { Worker } from 'node:worker_threads';
import type { RoomEntries } from '@podwire/agent';
import { PodwireError } from '@podwire/base';
import type { ClusterConfig, RoomStatus } from '@podwire/kube';

export interface NodeWorkerData {
  readonly nodeName: string;
  readonly netns: string;
  readonly config: ClusterConfig;
  readonly apiSocket: string;
  readonly runDirectory: string;
  readonly stateDirectory: string;
}

export interface NodeCall {
  readonly id: number;
  readonly method: 'status' | 'plan' | 'diff' | 'idle' | 'stop';
  readonly room?: string | undefined;
}

type Answer =
  | { readonly log: string }
  | { readonly ready: true }
  | { readonly id: number; readonly result?: unknown; readonly error?: string };

/** The agent of one node, in its own thread and network namespace, seen from the lab daemon. */
export interface NodeThread {
  readonly nodeName: string;
  status(): Promise<readonly RoomStatus[]>;
  plan(room?: string): Promise<readonly RoomEntries[]>;
  diff(room?: string): Promise<readonly RoomEntries[]>;
  idle(): Promise<void>;
  stop(): Promise<void>;
}

/** Resolves when the agent's rooms are in force. `writeLog` gets its log lines, `onDeath` is called if the thread dies by itself. */
export function startNodeThread(
  data: NodeWorkerData,
  writeLog: (line: string) => void,
  onDeath: (error: Error) => void,
): Promise<NodeThread> {
  const worker = new Worker(new URL('./node-worker.ts', import.meta.url), { workerData: data });
  const pending = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  let nextId = 1;
  const call = <T>(method: NodeCall['method'], room?: string): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      const id = nextId++;
      pending.set(id, { resolve, reject });
      worker.postMessage({ id, method, room } satisfies NodeCall);
    });
  const thread: NodeThread = {
    nodeName: data.nodeName,
    status: () => call('status'),
    plan: (room) => call('plan', room),
    diff: (room) => call('diff', room),
    idle: () => call('idle'),
    stop: async () => {
      await call('stop');
      await worker.terminate();
    },
  };
  return new Promise((resolve, reject) => {
    worker.on('message', (message: Answer) => {
      if ('log' in message) writeLog(message.log);
      else if ('ready' in message) resolve(thread);
      else settle(pending, message);
    });
    worker.on('error', (error) => {
      for (const { reject: fail } of pending.values()) fail(error);
      reject(error);
      onDeath(error);
    });
  });
}

function settle(
  pending: Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>,
  { id, result, error }: { id: number; result?: unknown; error?: string },
): void {
  const waiter = pending.get(id);
  pending.delete(id);
  if (error === undefined) waiter?.resolve(result as never);
  else waiter?.reject(new PodwireError('LAB_NODE', error));
}
