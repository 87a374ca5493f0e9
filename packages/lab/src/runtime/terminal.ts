import fs from 'node:fs';
import { type Readable, Transform, Writable } from 'node:stream';
import tty from 'node:tty';
import { openPseudoterminal, type Pseudoterminal, resizePseudoterminal } from '@podwire/kernel';

/** What a program of 1990 and one of today make of a terminal nobody has told its size yet. */
const FIRST_SIZE = { columns: 80, rows: 24 } as const;

/** How long the last output is waited for after the exit, in ms: a program in the background may hold the terminal. */
const QUIET = 1000;

/** Ctrl-D: the end of the client's input is typed, for a terminal has no end of its own. */
const END_OF_INPUT = '\x04';

/**
 * Opens its first argument as a leader of a session without a terminal does, which makes it the controlling one: Ctrl-C
 * and Ctrl-Z then are signals to its foreground. Becomes the program that follows.
 */
const TAKE_TERMINAL = ': <"$0"; exec "$@"';

/**
 *   client ──▶ input ──▶ master ═ line discipline ═ slave ──▶ stdin        program, leader of a session
 *          ◀── output ◀─┘ (echo, Ctrl-C, size)          └──◀ stdout, stderr
 */
export class Terminal {
  readonly input: Writable;
  readonly output: Readable;
  readonly #pair: Pseudoterminal;
  readonly #stream: tty.ReadStream;
  readonly #copy: Transform;
  #isOpen = true;
  #hasSlave = true;
  #ended = false;

  /** `owner` is the user of the programs, who may open the terminal by its name. */
  constructor(owner: { readonly uid?: number; readonly gid?: number } = {}) {
    this.#pair = openPseudoterminal();
    fs.fchownSync(this.#pair.slave, owner.uid ?? 0, owner.gid ?? 0);
    resizePseudoterminal(this.#pair.master, FIRST_SIZE.columns, FIRST_SIZE.rows);
    this.#stream = new tty.ReadStream(this.#pair.master);
    this.#copy = new Transform({ transform: (chunk, _encoding, done) => done(null, chunk) });
    this.output = this.#copy;
    this.input = new Writable({
      write: (chunk, _encoding, done) => void this.#stream.write(chunk, done),
      final: (done) => void this.#stream.write(END_OF_INPUT, () => done()),
    });
    this.input.on('error', () => {});
    this.#carry();
  }

  /** File descriptors for a child that is spawned `detached`. */
  get stdio(): [number, number, number] {
    const { slave } = this.#pair;
    return [slave, slave, slave];
  }

  /** The command line that runs a program with this as its controlling terminal. */
  command(argv: readonly string[]): readonly string[] {
    return ['/bin/sh', '-c', TAKE_TERMINAL, this.#pair.path, ...argv];
  }

  /**
   * From now on the terminal lives as long as programs have it open. Before the exit of the main one this would hang up on it
   * when it closes its output, and kill it before it has ended by itself.
   */
  #release(): void {
    if (this.#hasSlave) fs.closeSync(this.#pair.slave);
    this.#hasSlave = false;
  }

  /** In characters. */
  resize(columns: number, rows: number): void {
    if (this.#isOpen) resizePseudoterminal(this.#pair.master, columns, rows);
  }

  /** To be called at the exit of the program; resolves when what it wrote has been given to the reader, or nothing comes. */
  async drained(): Promise<void> {
    this.#release();
    if (this.#ended) return;
    await new Promise<void>((resolve) => {
      let timer: NodeJS.Timeout | undefined;
      const wait = (): void => {
        clearTimeout(timer);
        timer = setTimeout(() => (this.#copy.writableNeedDrain ? wait() : resolve()), QUIET);
      };
      wait();
      this.#stream.on('data', wait);
      this.#stream.once('close', () => {
        clearTimeout(timer);
        resolve();
      });
    });
    this.close();
  }

  /** Hangs up: the session that has it gets SIGHUP. */
  close(): void {
    this.#release();
    this.#isOpen = false;
    this.#stream.destroy();
  }

  #carry(): void {
    // EIO: nobody has the other end open, which is how a terminal ends.
    this.#stream.on('error', () => {});
    this.#stream.once('close', () => {
      this.#isOpen = false;
      this.#ended = true;
      this.#copy.end();
      this.input.destroy();
    });
    this.#stream.pipe(this.#copy, { end: false });
  }
}
