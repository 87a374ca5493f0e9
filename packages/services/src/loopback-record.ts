import fs from 'node:fs';
import path from 'node:path';
import { messageOf } from '@podwire/base';

const FILE = 'route-localnet.json';
/** Of a file that cannot be understood: the kernel's default, under which nothing needs to be dropped. */
const DEFAULT = '0';

/**
 * That the room has set route_localnet, and what it was before, in a file that outlives the process and is written before
 * the kernel is told: the next agent may have a mode whose rules drop nothing. Without a run directory it is known to this
 * process only.
 */
export class LoopbackRecord {
  readonly #file: string;
  #before: string | undefined;
  #problem: string | undefined;

  constructor(runDirectory: string) {
    this.#file = path.join(runDirectory, FILE);
    this.#before = this.#read();
  }

  /** What it was before the room set it; undefined: the room has not. */
  get before(): string | undefined {
    return this.#before;
  }

  /** Why it is not kept, and what follows from that. */
  get problems(): readonly string[] {
    return this.#problem === undefined ? [] : [this.#problem];
  }

  /** By renaming: whoever reads it sees one state or the other. */
  keep(before: string): void {
    const next = `${this.#file}.next`;
    this.#before = before;
    this.#attempt(() => {
      fs.writeFileSync(next, `${JSON.stringify({ before })}\n`, { mode: 0o600, flush: true });
      fs.renameSync(next, this.#file);
    });
  }

  /** It is again as it was. */
  end(): void {
    this.#before = undefined;
    this.#attempt(() => fs.rmSync(this.#file, { force: true }));
  }

  #read(): string | undefined {
    try {
      const { before } = JSON.parse(fs.readFileSync(this.#file, 'utf8'));
      return before === '1' ? before : DEFAULT;
    } catch (error) {
      return isAbsent(error) ? undefined : DEFAULT;
    }
  }

  #attempt(write: () => void): void {
    try {
      write();
      this.#problem = undefined;
    } catch (error) {
      this.#problem = isAbsent(error)
        ? undefined
        : `${this.#file} cannot be written (${messageOf(error)}), so that the next agent will not bring back route_localnet; make it writable`;
    }
  }
}

const isAbsent = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';
