import { Worker } from 'node:worker_threads';
import { type Logger, messageOf, PodwireError } from '@podwire/base';
import type { FromWorker, ToWorker } from './messages.ts';
import type { PlaySpec } from './play.ts';

/** What a played container does on its own. */
interface PlayListeners {
  log(line: string): void;
  /** It ended by itself; its listeners are closed. */
  exited(code: number): void;
  /** Runs `sh -c command` in the pod, bounded in time and size. Does not reject. */
  shell(command: string): Promise<{ output: string; error?: string }>;
  /** Looks a name up as the pod would; rejects when there is none. */
  resolve(name: string): Promise<string>;
}

/** The built-in servers that play containers, all in one worker thread. */
export interface Players {
  /** Resolves when all ports listen; rejects with LAB_PLAYER_START, leaving nothing open. */
  start(spec: PlaySpec, listeners: PlayListeners): Promise<void>;
  /** Closes listeners and connections of one container; no effect on one that has ended. */
  end(id: string): Promise<void>;
  /** Ends the thread and starts another, which takes all played containers over. */
  restart(): Promise<void>;
  /** Ends the thread; every played container is gone. */
  stop(): Promise<void>;
}

/** Starts the players' thread. When it dies it is replaced and the listeners are opened again; connections are lost. */
export async function startPlayers({ logger }: { readonly logger: Logger }): Promise<Players> {
  const players = new WorkerPlayers(logger);
  await players.ready();
  return players;
}

interface Cast {
  readonly spec: PlaySpec;
  readonly listeners: PlayListeners;
  started: PromiseWithResolvers<void>;
  stopped: PromiseWithResolvers<void> | undefined;
  running: boolean;
}

class WorkerPlayers implements Players {
  readonly #logger: Logger;
  readonly #cast = new Map<string, Cast>();
  #worker: Worker;
  #ready: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(logger: Logger) {
    this.#logger = logger;
    this.#worker = this.#spawn();
  }

  async start(spec: PlaySpec, listeners: PlayListeners): Promise<void> {
    const cast: Cast = { spec, listeners, started: Promise.withResolvers(), stopped: undefined, running: false };
    this.#cast.set(spec.id, cast);
    this.#tell({ type: 'start', spec });
    await cast.started.promise;
  }

  async end(id: string): Promise<void> {
    const cast = this.#cast.get(id);
    if (!cast) return;
    cast.stopped ??= Promise.withResolvers();
    this.#tell({ type: 'stop', id });
    await cast.stopped.promise;
  }

  ready(): Promise<void> {
    return this.#ready;
  }

  async restart(): Promise<void> {
    // Ending a thread that is still loading native code aborts the process.
    await this.#ready;
    await this.#worker.terminate();
    await this.#ready;
  }

  async stop(): Promise<void> {
    this.#closed = true;
    await this.#ready;
    await this.#worker.terminate();
  }

  #spawn(): Worker {
    const worker = new Worker(new URL('./players-worker.ts', import.meta.url));
    const ready = Promise.withResolvers<void>();
    this.#ready = ready.promise;
    worker.on('message', (message: FromWorker) => {
      if (message.type === 'ready') ready.resolve();
      else this.#hear(message);
    });
    worker.on('error', (error) => this.#logger.error('players thread failed', { reason: messageOf(error) }));
    worker.once('exit', () => {
      ready.resolve();
      this.#replace();
    });
    return worker;
  }

  #replace(): void {
    for (const [id, cast] of this.#cast) {
      if (this.#closed || cast.stopped) this.#forget(id, cast);
    }
    if (this.#closed) return;
    this.#logger.info('players thread is replaced', { containers: this.#cast.size });
    this.#worker = this.#spawn();
    for (const { spec } of this.#cast.values()) this.#tell({ type: 'start', spec });
  }

  #tell(message: ToWorker): void {
    this.#worker.postMessage(message);
  }

  #hear(message: Exclude<FromWorker, { type: 'ready' }>): void {
    if (message.type === 'logs') {
      for (const [id, line] of message.lines) this.#cast.get(id)?.listeners.log(line);
      return;
    }
    const cast = this.#cast.get(message.id);
    if (cast) this.#hearOf(cast, message);
  }

  #hearOf(cast: Cast, message: Exclude<FromWorker, { type: 'ready' | 'logs' }>): void {
    const { id } = message;
    switch (message.type) {
      case 'started':
        cast.running = true;
        cast.started.resolve();
        break;
      case 'failed':
        this.#failed(id, cast, message.message);
        break;
      case 'exited':
        this.#forget(id, cast);
        cast.listeners.exited(message.code);
        break;
      case 'stopped':
        this.#forget(id, cast);
        break;
      case 'shell':
        cast.listeners.shell(message.command).then(
          (result) => this.#tell({ type: 'shell-done', call: message.call, ...result }),
          () => this.#tell({ type: 'shell-done', call: message.call, output: '' }),
        );
        break;
      case 'resolve':
        this.#resolve(cast, message.call, message.name);
    }
  }

  #resolve(cast: Cast, call: number, name: string): void {
    cast.listeners.resolve(name).then(
      (address) => this.#tell({ type: 'resolved', call, address }),
      (error: unknown) => this.#tell({ type: 'resolved', call, error: messageOf(error) }),
    );
  }

  #failed(id: string, cast: Cast, message: string): void {
    this.#forget(id, cast);
    if (cast.running) {
      cast.listeners.log(message);
      cast.listeners.exited(1);
    } else {
      cast.started.reject(new PodwireError('LAB_PLAYER_START', message));
    }
  }

  #forget(id: string, cast: Cast): void {
    this.#cast.delete(id);
    if (!cast.running) cast.started.promise.catch(() => {});
    cast.stopped?.resolve();
    if (!cast.running)
      cast.started.reject(new PodwireError('LAB_PLAYER_START', 'the container was stopped while it started'));
  }
}
