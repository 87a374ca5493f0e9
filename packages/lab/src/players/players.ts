import { Worker } from 'node:worker_threads';
import { type Logger, messageOf, PodwireError } from '@podwire/base';
import { endWorker } from '../worker-end.ts';
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

export interface PlayersOptions {
  readonly logger: Logger;
  /** What the thread runs; tests give another. */
  readonly module?: URL;
}

/**
 * Starts the players' thread; rejects with LAB_PLAYERS when it ends before it is ready. When it dies later it is
 * replaced and the listeners are opened again; connections are lost.
 */
export async function startPlayers(options: PlayersOptions): Promise<Players> {
  const players = new WorkerPlayers(options);
  try {
    await players.ready();
  } catch (error) {
    await players.stop();
    throw error;
  }
  return players;
}

/** Wait before the next thread: none after one that lived, then 100 ms doubling to 5 s. */
export function respawnDelay(failures: number): number {
  return failures === 0 ? 0 : Math.min(100 * 2 ** (failures - 1), 5000);
}

/** A thread that lived this long failed for a new reason. */
const FORGIVEN = 10_000;

interface Cast {
  readonly spec: PlaySpec;
  readonly listeners: PlayListeners;
  started: PromiseWithResolvers<void>;
  stopped: PromiseWithResolvers<void> | undefined;
  running: boolean;
}

class WorkerPlayers implements Players {
  readonly #logger: Logger;
  readonly #module: URL;
  readonly #cast = new Map<string, Cast>();
  /** Undefined while the next one is waited for. */
  #worker: Worker | undefined;
  #ready: Promise<void> = Promise.resolve();
  #failures = 0;
  #respawn: NodeJS.Timeout | undefined;
  #closed = false;

  constructor({ logger, module = new URL('./players-worker.ts', import.meta.url) }: PlayersOptions) {
    this.#logger = logger;
    this.#module = module;
    this.#spawn();
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
    if (this.#worker) this.#tell({ type: 'stop', id });
    else this.#forget(id, cast);
    await cast.stopped.promise;
  }

  ready(): Promise<void> {
    return this.#ready;
  }

  async restart(): Promise<void> {
    // Before it is ready it hears nothing.
    await this.#ready;
    this.#failures = 0;
    await this.#endThread();
    await this.#ready;
  }

  async stop(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#respawn);
    await this.#ready.catch(() => {});
    await this.#endThread();
    for (const [id, cast] of this.#cast) this.#forget(id, cast);
  }

  async #endThread(): Promise<void> {
    const worker = this.#worker;
    if (!worker || (await endWorker(worker, () => this.#tell({ type: 'end' })))) return;
    this.#logger.error('players thread did not end', {});
    for (const event of ['message', 'exit']) worker.removeAllListeners(event);
    this.#replace();
  }

  #spawn(): void {
    const started = Date.now();
    const worker = new Worker(this.#module);
    const ready = Promise.withResolvers<void>();
    // Whoever waits gets the rejection; nobody has to wait.
    ready.promise.catch(() => {});
    this.#worker = worker;
    this.#ready = ready.promise;
    let reason = 'it ended by itself';
    let wasReady = false;
    worker.on('message', (message: FromWorker) => {
      if (message.type !== 'ready') return this.#hear(message);
      wasReady = true;
      ready.resolve();
    });
    worker.on('error', (error) => {
      reason = messageOf(error);
      this.#logger.error('players thread failed', { reason });
    });
    worker.once('exit', () => {
      ready.reject(new PodwireError('LAB_PLAYERS', `the thread of the played containers could not start: ${reason}`));
      if (Date.now() - started >= FORGIVEN) this.#failures = 0;
      // It would most likely not load now either.
      if (!wasReady) this.#failures = Math.max(this.#failures, 1);
      this.#replace();
    });
  }

  #replace(): void {
    this.#worker = undefined;
    for (const [id, cast] of this.#cast) {
      if (this.#closed || cast.stopped) this.#forget(id, cast);
    }
    if (this.#closed) return;
    const delay = respawnDelay(this.#failures++);
    this.#logger.info('players thread is replaced', { containers: this.#cast.size, afterMs: delay });
    if (delay === 0) this.#resume();
    else this.#respawn = setTimeout(() => this.#resume(), delay);
  }

  #resume(): void {
    this.#spawn();
    for (const { spec } of this.#cast.values()) this.#tell({ type: 'start', spec });
  }

  #tell(message: ToWorker): void {
    this.#worker?.postMessage(message);
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
