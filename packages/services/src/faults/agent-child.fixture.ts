import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { RoomStatus } from '@podwire/kube';
import type { AgentRequest } from './agent.fixture.ts';

const PROGRAM = path.join(import.meta.dirname, 'agent.fixture.ts');
/** A room that says nothing for so long, in ms, has failed. */
const PATIENCE = 20_000;

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
  readonly #ended: Promise<unknown>;

  /** Loads the program; nothing of the kernel is looked at before the first request. */
  constructor() {
    this.#child = fork(PROGRAM, {
      execArgv: ['--disable-warning=ExperimentalWarning'],
      env: { ...process.env, NODE_COMPILE_CACHE: compiled() },
    });
    this.loaded = once(this.#child, 'message');
    this.#ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.loaded.catch(() => {}); // killed while it loads
  }

  /** Resolves when the room has done what it was asked. */
  async ask(request: AgentRequest): Promise<RoomStatus> {
    await this.loaded;
    const answered = once(this.#child, 'message', { signal: AbortSignal.timeout(PATIENCE) });
    this.#child.send(request);
    const [status] = (await answered) as [RoomStatus];
    return status;
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
