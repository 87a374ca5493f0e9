import fs from 'node:fs';
import path from 'node:path';
import { messageOf } from '@podwire/base';
import type { ProxyMode } from './proxy.ts';
import { PROXY_MODES } from './proxy-modes.ts';

const FILE = 'proxy-modes.json';

export interface Recorded {
  readonly modes: readonly ProxyMode[];
  readonly certain: boolean;
}

/**
 * Which proxy modes may have something in the kernel, in a file that outlives the process: an agent that is started with
 * another mode learns from it what to remove. A mode is added before it writes anything and taken out when all of it is
 * gone; what is in the file too long costs a look that finds nothing. Without a run directory nothing is remembered.
 */
export class ModeRecord {
  readonly #file: string;
  #problem: string | undefined;

  constructor(runDirectory: string) {
    this.#file = path.join(runDirectory, FILE);
  }

  /** Why it is not kept, and what follows from that. */
  get problems(): readonly string[] {
    return this.#problem === undefined ? [] : [this.#problem];
  }

  /** None without the file; all there are, but not for certain, when it cannot be understood. */
  read(): Recorded {
    try {
      const words: unknown = JSON.parse(fs.readFileSync(this.#file, 'utf8'));
      if (Array.isArray(words)) return { modes: PROXY_MODES.filter((mode) => words.includes(mode)), certain: true };
    } catch (error) {
      if (isAbsent(error)) return { modes: [], certain: true };
    }
    return { modes: PROXY_MODES, certain: false };
  }

  add(mode: ProxyMode): void {
    const { modes, certain } = this.read();
    if (!modes.includes(mode) || !certain)
      this.#write(PROXY_MODES.filter((one) => one === mode || modes.includes(one)));
  }

  remove(...gone: readonly ProxyMode[]): void {
    const { modes } = this.read();
    const rest = modes.filter((mode) => !gone.includes(mode));
    if (rest.length < modes.length) this.#write(rest);
  }

  /** Nothing is left in the kernel. */
  end(): void {
    fs.rmSync(this.#file, { force: true });
  }

  /** By renaming: whoever reads it sees one state or the other. */
  #write(modes: readonly ProxyMode[]): void {
    const next = `${this.#file}.next`;
    try {
      fs.writeFileSync(next, `${JSON.stringify(modes)}\n`, { mode: 0o600, flush: true });
      fs.renameSync(next, this.#file);
      this.#problem = undefined;
    } catch (error) {
      this.#problem = isAbsent(error)
        ? undefined
        : `${this.#file} cannot be written (${messageOf(error)}), so that an agent started with another proxy mode will not remove what this one leaves; make it writable`;
    }
  }
}

const isAbsent = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';
