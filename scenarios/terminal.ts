import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync } from 'node:fs';
import { ReadStream } from 'node:tty';
import { openPseudoterminal, resizePseudoterminal } from '../packages/kernel/src/index.ts';

/** A program on a terminal, and somebody who types. */
export class TerminalUser {
  readonly #screen: ReadStream;
  readonly #master: number;
  readonly #child: ChildProcess;
  readonly #exit: Promise<number>;
  #shown = '';

  constructor(command: string, args: readonly string[], env: Record<string, string>) {
    const { master, slave } = openPseudoterminal();
    resizePseudoterminal(master, 97, 31);
    this.#master = master;
    this.#child = spawn(command, args, { env: { ...process.env, ...env }, stdio: [slave, slave, slave] });
    this.#exit = once(this.#child, 'exit').then(([code]) => code as number);
    closeSync(slave);
    this.#screen = new ReadStream(master);
    this.#screen.on('data', (chunk) => (this.#shown += chunk)).on('error', () => {});
  }

  /** Types, and waits until what is shown from then on matches. */
  async type(text: string, wanted: RegExp, seconds = 300): Promise<void> {
    const from = this.#shown.length;
    this.#screen.write(text);
    const deadline = Date.now() + seconds * 1000;
    while (!wanted.test(this.#shown.slice(from))) {
      if (Date.now() > deadline) throw new Error(`no ${wanted} in ${JSON.stringify(this.#shown)}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  resize(columns: number, rows: number): void {
    resizePseudoterminal(this.#master, columns, rows);
    this.#child.kill('SIGWINCH');
  }

  /** Types the last line and resolves with the exit code. */
  async leave(line: string): Promise<number> {
    this.#screen.write(line);
    return await this.#exit;
  }

  end(): void {
    this.#child.kill();
    this.#screen.destroy();
  }
}
