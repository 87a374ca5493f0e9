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

export type NodeRequest =
  | { readonly method: 'start'; readonly data: NodeWorkerData }
  | { readonly method: 'plan' | 'diff'; readonly room: string | undefined }
  | { readonly method: 'status' | 'idle' | 'stop' };
export type NodeCall = NodeRequest & { readonly id: number };

type Answer = { readonly log: string } | { readonly id: number; readonly result?: unknown; readonly error?: string };

/** The agent of one node, in its own thread and network namespace, seen from the lab daemon. */
export interface NodeThread {
  readonly nodeName: string;
  status(): Promise<readonly RoomStatus[]>;
  plan(room?: string): Promise<readonly RoomEntries[]>;
  diff(room?: string): Promise<readonly RoomEntries[]>;
  idle(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * A thread that loads the agent's modules at once, while the rest of the lab is made, and runs it when started.
 * `writeLog` gets its log lines, `onDeath` is called if the thread dies by itself.
 */
export class NodeWorker {
  readonly #worker = new Worker(new URL('./node-worker.ts', import.meta.url));
  readonly #pending = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  #nextId = 1;

  constructor(writeLog: (line: string) => void, onDeath: (error: Error) => void) {
    this.#worker.on('message', (message: Answer) => {
      if ('log' in message) writeLog(message.log);
      else this.#settle(message);
    });
    this.#worker.on('error', (error) => {
      for (const { reject } of this.#pending.values()) reject(error);
      this.#pending.clear();
      onDeath(error);
    });
  }

  /** Enters the node's netns and resolves when the agent's rooms are in force. */
  async start(data: NodeWorkerData): Promise<NodeThread> {
    await this.#call({ method: 'start', data });
    return {
      nodeName: data.nodeName,
      status: () => this.#call({ method: 'status' }),
      plan: (room) => this.#call({ method: 'plan', room }),
      diff: (room) => this.#call({ method: 'diff', room }),
      idle: () => this.#call({ method: 'idle' }),
      stop: async () => {
        await this.#call({ method: 'stop' });
        await this.#worker.terminate();
      },
    };
  }

  #call<T>(request: NodeRequest): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const id = this.#nextId++;
      this.#pending.set(id, { resolve, reject });
      this.#worker.postMessage({ ...request, id } satisfies NodeCall);
    });
  }

  #settle({ id, result, error }: Exclude<Answer, { log: string }>): void {
    const waiter = this.#pending.get(id);
    this.#pending.delete(id);
    if (error === undefined) waiter?.resolve(result as never);
    else waiter?.reject(new PodwireError('LAB_NODE', error));
  }
}
