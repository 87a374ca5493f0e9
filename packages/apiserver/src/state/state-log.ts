import { constants } from 'node:fs';
import { type FileHandle, mkdir, open, readdir, readFile, rename, truncate, unlink } from 'node:fs/promises';
import path from 'node:path';
import { messageOf, PodwireError } from '@podwire/base';
import type { Change, Recovered, StateBackend } from './backend.ts';
import { lockDirectory } from './directory-lock.ts';
import { decodeFrames, encodeFrame, findFrame, recordText, type StateRecord } from './record.ts';

export interface StateLogOptions {
  readonly directory: string;
  /** A new log is begun, and a snapshot written, when the log is longer than this. Default 16 MiB. */
  readonly rotateBytes?: number;
}

type Snapshot = () => Iterable<StateRecord>;

/** One frame; a write waits until all before it are on disk. */
const LIMIT = { records: 4096, bytes: 8 * 1024 * 1024 };
/** The system's words for a disk, a quota or a file that can take no more. */
const FULL: ReadonlySet<string> = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);
const NAME = /^(snapshot|log)\.(\d{10})$/;
const fileName = (type: 'snapshot' | 'log', generation: number) => `${type}.${String(generation).padStart(10, '0')}`;

/**
 * The durable form of a store: `snapshot.N` holds everything as of the moment `log.N` was begun; `log.N`, `log.N+1`...
 * hold what came after. A snapshot appears by rename, whole or not at all; only the last log may end in a torn write.
 *
 *     snapshot.7 ── log.7 ── log.8 (being appended, snapshot.8 being written) ──▶ then 7 is removed
 */
export class StateLog implements StateBackend {
  readonly limit = LIMIT;
  readonly trouble = undefined;
  readonly #directory: string;
  readonly #rotateBytes: number;
  #unlock: () => Promise<void>;
  #generation = 0;
  #file: FileHandle | undefined;
  #size = 0;
  #rotateAt: number;
  #snapshotting: Promise<void> | undefined;

  private constructor(options: StateLogOptions, unlock: () => Promise<void>) {
    this.#directory = options.directory;
    this.#rotateBytes = options.rotateBytes ?? 16 * 1024 * 1024;
    this.#rotateAt = this.#rotateBytes;
    this.#unlock = unlock;
  }

  static async open(options: StateLogOptions): Promise<{ log: StateLog; recovered: Recovered }> {
    await mkdir(options.directory, { recursive: true, mode: 0o700 });
    const log = new StateLog(options, await lockDirectory(options.directory));
    try {
      return { log, recovered: await log.#recover() };
    } catch (error) {
      await log.close();
      throw error;
    }
  }

  /**
   * What a full disk refuses is cut off again, and later writes may be taken. When that fails, or the disk does not confirm
   * what it took, only a restart can tell what is on it.
   */
  async append(changes: readonly Change[], snapshot: Snapshot): Promise<void> {
    const file = this.#file;
    if (!file) throw new PodwireError('APISERVER_STATE_WRITE', 'the state log is closed');
    const bytes = encodeFrame(changes.map((change) => recordText(change, change.text)));
    try {
      await writeAll(file, bytes, this.#size);
    } catch (error) {
      throw (await this.#undo(file)) && isFull(error) ? refused(error) : error;
    }
    try {
      await file.datasync();
    } catch (error) {
      await this.#undo(file);
      throw error;
    }
    this.#size += bytes.length;
    if (this.#size > this.#rotateAt && !this.#snapshotting) await this.#rotate(snapshot);
  }

  /** Whether the log is certain to end where it did; if not, it has a torn tail for the next start. */
  async #undo(file: FileHandle): Promise<boolean> {
    try {
      await file.truncate(this.#size);
      await file.datasync();
      return true;
    } catch {
      return false;
    }
  }

  async close(): Promise<void> {
    await this.#snapshotting;
    const [file, unlock] = [this.#file, this.#unlock];
    this.#file = undefined;
    this.#unlock = async () => {};
    await file?.close();
    await unlock();
  }

  #path(type: 'snapshot' | 'log', generation: number): string {
    return path.join(this.#directory, fileName(type, generation));
  }

  async #recover(): Promise<Recovered> {
    const names = await readdir(this.#directory);
    const generations = (type: string) =>
      names
        .flatMap((name) => (NAME.exec(name)?.[1] === type ? [Number(NAME.exec(name)?.[2])] : []))
        .sort((a, b) => a - b);
    const base = generations('snapshot').at(-1);
    const logs = generations('log').filter((generation) => generation >= (base ?? 0));
    const records: StateRecord[] = base === undefined ? [] : await this.#read('snapshot', base);
    let tornBytes = 0;
    for (const generation of logs) {
      const isLast = generation === logs.at(-1);
      if (isLast) tornBytes = await this.#cutTornTail(generation);
      // One by one: spreading a large file into push() overflows the stack.
      for (const record of await this.#read('log', generation)) records.push(record);
    }
    await this.#openLog(logs.at(-1) ?? base ?? 0);
    await this.#sweep(base ?? 0);
    return { records, tornBytes };
  }

  async #read(type: 'snapshot' | 'log', generation: number): Promise<StateRecord[]> {
    const file = this.#path(type, generation);
    const bytes = await readFile(file);
    const { records, soundBytes } = decodeFrames(bytes);
    if (soundBytes !== bytes.length) throw this.#damaged(file, soundBytes);
    return records;
  }

  async #cutTornTail(generation: number): Promise<number> {
    const file = this.#path('log', generation);
    const bytes = await readFile(file);
    const { soundBytes } = decodeFrames(bytes);
    if (soundBytes === bytes.length) return 0;
    // Nothing is written before what is ahead of it is on disk, so whatever a whole frame follows was whole once.
    if (findFrame(bytes, soundBytes + 1) !== undefined) throw this.#damaged(file, soundBytes);
    await truncate(file, soundBytes);
    return bytes.length - soundBytes;
  }

  #damaged(file: string, at: number): PodwireError {
    const why = `what is at byte ${at} fails its checksum; restore ${this.#directory} from a copy, or remove it to start empty`;
    return new PodwireError('APISERVER_STATE_DAMAGED', `cannot read ${file}: ${why}`);
  }

  /** Leaves everything as it was when it fails. */
  async #openLog(generation: number): Promise<void> {
    const name = this.#path('log', generation);
    const file = await open(name, constants.O_RDWR | constants.O_CREAT, 0o600);
    try {
      const { size } = await file.stat();
      await this.#syncDirectory();
      const previous = this.#file;
      [this.#file, this.#size, this.#generation] = [file, size, generation];
      this.#rotateAt = this.#rotateBytes;
      await previous?.close().catch(() => {});
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** What was appended is safe by now, so that a failure only means that the present log gets longer. */
  async #rotate(snapshot: Snapshot): Promise<void> {
    // The iterator sees the state as of now: the store hands out an immutable copy.
    const records = snapshot();
    const next = this.#generation + 1;
    try {
      await this.#openLog(next);
    } catch (error) {
      this.#rotateAt = this.#size + this.#rotateBytes;
      warn(`log ${this.#path('log', next)} was not begun`, error);
      // A later log would make a torn tail of the present one look like damage.
      await unlink(this.#path('log', next)).catch(() => {});
      return;
    }
    this.#snapshotting = this.#writeSnapshot(next, records).finally(() => {
      this.#snapshotting = undefined;
    });
  }

  /** A failed snapshot costs nothing but space: the logs before it stay, and the next rotation tries again. */
  async #writeSnapshot(generation: number, records: Iterable<StateRecord>): Promise<void> {
    const target = this.#path('snapshot', generation);
    const partial = `${target}.partial`;
    try {
      const file = await open(partial, 'w', 0o600);
      try {
        for (const chunk of chunks(records, 256)) await writeAll(file, encodeFrame(chunk.map(snapshotText)));
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(partial, target);
      await this.#syncDirectory();
      await this.#sweep(generation);
    } catch (error) {
      await unlink(partial).catch(() => {});
      warn(`snapshot ${target} was not written`, error);
    }
  }

  /** Removes what a snapshot of this generation makes superfluous, and partial files. */
  async #sweep(base: number): Promise<void> {
    for (const name of await readdir(this.#directory)) {
      const generation = Number(NAME.exec(name)?.[2] ?? Number.NaN);
      if (generation < base || name.endsWith('.partial')) await unlink(path.join(this.#directory, name));
    }
  }

  async #syncDirectory(): Promise<void> {
    const directory = await open(this.#directory, 'r');
    await directory.sync();
    await directory.close();
  }
}

class ShortWrite extends Error {}

/** A write may come out short, as on a disk that is nearly full: the rest is tried until it is written or refused. */
async function writeAll(file: FileHandle, bytes: Buffer, position?: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const at = position === undefined ? null : position + done;
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, at);
    if (bytesWritten === 0) throw new ShortWrite(`only ${done} of ${bytes.length} bytes could be written`);
    done += bytesWritten;
  }
}

/** No bytes taken, and no reason given, is what some file systems do when they are full. */
function isFull(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return error instanceof ShortWrite || (code !== undefined && FULL.has(code));
}

function refused(cause: unknown): PodwireError {
  const message = `the disk takes no more of the state (${messageOf(cause)}); make room there, then writes are taken again`;
  return new PodwireError('APISERVER_STATE_REFUSED', message, { cause });
}

const snapshotText = (record: StateRecord) =>
  recordText(record, record.object === undefined ? undefined : JSON.stringify(record.object));

function warn(what: string, cause: unknown): void {
  process.emitWarning(`${what}: ${messageOf(cause)}`, { code: 'APISERVER_STATE_WRITE' });
}

function* chunks<T>(items: Iterable<T>, size: number): Generator<T[]> {
  let chunk: T[] = [];
  for (const item of items) {
    chunk.push(item);
    if (chunk.length === size) {
      yield chunk;
      chunk = [];
    }
  }
  if (chunk.length > 0) yield chunk;
}
