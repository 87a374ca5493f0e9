import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RoomStatus } from '@podwire/kube';
import type { AgentRequest } from './agent.fixture.ts';

const PROGRAM = path.join(import.meta.dirname, 'agent.fixture.ts');
/** A room that says nothing for so long, in ms, has failed. */
const PATIENCE = 240_000;

let compileCache: string | undefined;

/** Made once, so that the next program loads faster; removed at the end. */
function compiled(): string {
  if (compileCache === undefined) {
    const directory = mkdtempSync(path.join(os.tmpdir(), 'pwt-compiled-'));
    process.once('exit', () => rmSync(directory, { recursive: true, force: true }));
    compileCache = directory;
  }
  return compileCache;
}

/** A room in a process of its own. */
export class AgentChild {
  readonly #child: ChildProcess;
  /** Resolves when requests will be taken up at once. */
  readonly loaded: Promise<unknown>;
  readonly #ended: Promise<string>;

  /** Loads the program; nothing of the kernel is looked at before the first request. */
  constructor() {
    this.#child = fork(PROGRAM, {
      execArgv: ['--disable-warning=ExperimentalWarning'],
      env: { ...process.env, NODE_COMPILE_CACHE: compiled() },
    });
    this.loaded = once(this.#child, 'message');
    this.#ended = new Promise((resolve) =>
      this.#child.once('exit', (code, signal) => resolve(`ended (${signal ?? code})`)),
    );
    this.loaded.catch(() => {}); // killed while it loads
  }

  /** Resolves when the room has done what it was asked; throws when the program ends, or says nothing for minutes. */
  async ask(request: AgentRequest): Promise<RoomStatus> {
    await this.loaded;
    const answered = once(this.#child, 'message').then(([status]) => status as RoomStatus);
    this.#child.send(request);
    const settled = new AbortController();
    const silent = sleep(PATIENCE, 'says nothing', { signal: settled.signal }).catch(() => '');
    const status = await Promise.race([answered, this.#ended, silent]);
    settled.abort();
    if (typeof status === 'object') return status;
    throw new Error(`the agent ${status}: ${this.#where()}`);
  }

  /** What the kernel says the program is doing; proc_pid_stat(5). */
  #where(): string {
    try {
      const task = `/proc/${this.#child.pid}`;
      return `${readFileSync(`${task}/stat`, 'utf8').split(' ').slice(2, 15).join(' ')}, ${readFileSync(`${task}/wchan`, 'utf8')}`;
    } catch {
      return 'it is gone';
    }
  }

  /** Asks, and kills the program when so many ms have passed, whatever it is doing then. */
  async killDuring(request: AgentRequest, after: number): Promise<void> {
    await this.loaded;
    const end = performance.now() + after;
    this.#child.send(request);
    while (performance.now() < end); // a timer is not precise enough
    await this.kill();
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#ended;
  }
}
