import { Worker } from 'node:worker_threads';
import type { RoomEntries } from '@podwire/agent';
import { messageOf, PodwireError } from '@podwire/base';
import type { ClusterConfig, RoomStatus } from '@podwire/kube';
import { endWorker } from './worker-end.ts';

export interface NodeWorkerData {
  readonly nodeName: string;
  readonly netns: string;
  readonly config: ClusterConfig;
  readonly apiSocket: string;
  /** As whom to speak there. */
  readonly tokenFile: string;
  readonly runDirectory: string;
  readonly stateDirectory: string;
}

export type NodeRequest =
  | { readonly method: 'start'; readonly data: NodeWorkerData }
  | { readonly method: 'plan' | 'diff'; readonly room: string | undefined }
  | { readonly method: 'status' | 'idle' | 'stop' }
  | { readonly method: 'setProxyMode'; readonly mode: ClusterConfig['proxyMode'] }
  /** Has no answer: the thread ends. */
  | { readonly method: 'exit' };
export type NodeCall = NodeRequest & { readonly id: number };

type Answer = { readonly log: string } | { readonly id: number; readonly result?: unknown; readonly error?: string };

/** The agent of one node, in its own thread and network namespace, seen from the lab daemon. */
export interface NodeThread {
  readonly nodeName: string;
  /** The names of its rooms; known also when the agent is dead. */
  readonly rooms: readonly string[];
  status(): Promise<readonly RoomStatus[]>;
  plan(room?: string): Promise<readonly RoomEntries[]>;
  diff(room?: string): Promise<readonly RoomEntries[]>;
  idle(): Promise<void>;
  /** Throws LAB_NODE with the agent's reason when it stays with the mode it has. */
  setProxyMode(mode: ClusterConfig['proxyMode']): Promise<void>;
  stop(): Promise<void>;
}

export interface NodeWorkerOptions {
  /** Gets the agent's log lines. */
  readonly writeLog: (line: string) => void;
  /** Called once if the thread ends without being asked to. */
  readonly onDeath: (error: Error) => void;
  /** What the thread runs; tests give another. */
  readonly module?: URL;
}

/** A thread that loads the agent's modules at once, while the rest of the lab is made, and runs it when started. */
export class NodeWorker {
  readonly #worker: Worker;
  readonly #onDeath: (error: Error) => void;
  readonly #pending = new Map<number, { resolve: (value: never) => void; reject: (error: Error) => void }>();
  #nodeName = 'a node';
  #nextId = 1;
  #stopping = false;
  #death: PodwireError | undefined;

  constructor({ writeLog, onDeath, module = new URL('./node-worker.ts', import.meta.url) }: NodeWorkerOptions) {
    this.#onDeath = onDeath;
    this.#worker = new Worker(module);
    this.#worker.on('message', (message: Answer) => {
      if ('log' in message) writeLog(message.log);
      else this.#settle(message);
    });
    this.#worker.on('error', (error) => this.#die(messageOf(error), error));
    this.#worker.on('exit', (code) => this.#die(`exit code ${code}`));
  }

  #die(reason: string, cause?: unknown): void {
    if (this.#death) return;
    const end = `the agent of ${this.#nodeName} ended (${reason}); nothing keeps the node up to date until`;
    const remedy = this.#stopping ? 'the node is brought up' : 'the lab is started again';
    this.#death = new PodwireError('LAB_NODE', `${end} ${remedy}`, { cause });
    for (const { reject } of this.#pending.values()) reject(this.#death);
    this.#pending.clear();
    if (!this.#stopping) this.#onDeath(this.#death);
  }

  /** Enters the node's netns and resolves when the agent's rooms are in force. */
  async start(data: NodeWorkerData): Promise<NodeThread> {
    this.#nodeName = data.nodeName;
    await this.#call({ method: 'start', data });
    const rooms = await this.#call<readonly RoomStatus[]>({ method: 'status' });
    return {
      nodeName: data.nodeName,
      rooms: rooms.map(({ room }) => room),
      status: () => this.#call({ method: 'status' }),
      plan: (room) => this.#call({ method: 'plan', room }),
      diff: (room) => this.#call({ method: 'diff', room }),
      idle: () => this.#call({ method: 'idle' }),
      setProxyMode: (mode) => this.#call({ method: 'setProxyMode', mode }),
      stop: () => this.#stop(),
    };
  }

  async #stop(): Promise<void> {
    if (this.#death) return;
    this.#stopping = true;
    try {
      await this.#call({ method: 'stop' });
    } finally {
      const hasEnded = await endWorker(this.#worker, () => this.#tell({ method: 'exit' }, 0));
      if (!hasEnded) this.#die('it was stopped, but its thread did not end');
    }
  }

  #call<T>(request: NodeRequest): Promise<T> {
    if (this.#death) return Promise.reject(this.#death);
    return new Promise<T>((resolve, reject) => {
      const id = this.#nextId++;
      this.#pending.set(id, { resolve, reject });
      this.#tell(request, id);
    });
  }

  #tell(request: NodeRequest, id: number): void {
    this.#worker.postMessage({ ...request, id } satisfies NodeCall);
  }

  #settle({ id, result, error }: Exclude<Answer, { log: string }>): void {
    const waiter = this.#pending.get(id);
    this.#pending.delete(id);
    if (error === undefined) waiter?.resolve(result as never);
    else waiter?.reject(new PodwireError('LAB_NODE', error));
  }
}
