import fs from 'node:fs';
import { PassThrough, type Readable } from 'node:stream';
import { LineWriter, type LogFilter, type LogStream, renderLog } from './log-lines.ts';

export interface LogFileOptions {
  readonly path: string;
  /** Bytes after which the file becomes `path.1`, replacing the one before. Default 4 MiB. */
  readonly maxBytes?: number;
  readonly now?: () => Date;
  /** The disk is full or fails: what comes is dropped until it works again. Told once each time. */
  readonly onDropped?: (error: Error) => void;
}

/** A reader this far behind is let go: its memory is ours. */
export const READER_BYTES = 8 << 20;

export interface ReadOptions extends LogFilter {
  readonly follow?: boolean;
  readonly limitBytes?: number;
}

/** The bounded log of one run of a container: at most two files of maxBytes. Nothing stays open between writes. */
export class LogFile {
  readonly #path: string;
  readonly #maxBytes: number;
  readonly #writers: Record<LogStream, LineWriter>;
  readonly #followers = new Set<(stored: string) => void>();
  readonly #ends = new Set<() => void>();
  readonly #onDropped: (error: Error) => void;
  #dropping = false;
  #size = 0;
  #closed = false;

  constructor({ path, maxBytes = 4 << 20, now = () => new Date(), onDropped = () => {} }: LogFileOptions) {
    this.#path = path;
    this.#maxBytes = maxBytes;
    this.#onDropped = onDropped;
    this.#writers = { stdout: new LineWriter('stdout', now), stderr: new LineWriter('stderr', now) };
  }

  write(stream: LogStream, chunk: Buffer | string): void {
    const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    this.#append(this.#writers[stream].push(bytes.toString('latin1')));
  }

  /** No more is written; followers end. */
  close(): void {
    if (this.#closed) return;
    this.#append(this.#writers.stdout.end() + this.#writers.stderr.end());
    this.#closed = true;
    for (const end of this.#ends) end();
  }

  /** What is stored, and with `follow` what comes, until the run ends or the reader is READER_BYTES behind. */
  read(options: ReadOptions): Readable {
    const out = new PassThrough();
    let left = options.limitBytes ?? Number.POSITIVE_INFINITY;
    const send = (stored: string, filter: LogFilter): void => {
      const bytes = Buffer.from(renderLog(stored, filter), 'latin1').subarray(0, Math.min(left, 2 ** 31));
      left -= bytes.length;
      if (bytes.length > 0) out.write(bytes);
      if (left <= 0) out.end();
    };
    send(this.#stored(), options);
    if (!options.follow || this.#closed) return out.end();
    const most = out.writableLength + READER_BYTES;
    const follow = (stored: string): void => {
      send(stored, { timestamps: options.timestamps ?? false });
      if (out.writableLength <= most) return;
      left = 0;
      out.end();
    };
    const end = (): void => void out.end();
    this.#followers.add(follow);
    this.#ends.add(end);
    out.once('close', () => {
      this.#followers.delete(follow);
      this.#ends.delete(end);
    });
    return out;
  }

  remove(): void {
    this.close();
    for (const path of [this.#path, `${this.#path}.1`]) fs.rmSync(path, { force: true });
  }

  #stored(): string {
    return [`${this.#path}.1`, this.#path]
      .map((path) => (fs.existsSync(path) ? fs.readFileSync(path, 'latin1') : ''))
      .join('');
  }

  #append(text: string): void {
    if (text === '' || this.#closed) return;
    this.#store(text);
    for (const follow of this.#followers) follow(text);
  }

  /** Called from data handlers, where nobody could catch. */
  #store(text: string): void {
    try {
      if (this.#size + text.length > this.#maxBytes && this.#size > 0) {
        fs.renameSync(this.#path, `${this.#path}.1`);
        this.#size = 0;
      }
      fs.appendFileSync(this.#path, text, { encoding: 'latin1', mode: 0o600 });
      this.#size += text.length;
      this.#dropping = false;
    } catch (error) {
      if (!this.#dropping) this.#onDropped(error as Error);
      this.#dropping = true;
    }
  }
}
