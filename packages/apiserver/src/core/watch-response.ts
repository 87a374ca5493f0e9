import { Readable } from 'node:stream';
import { messageOf } from '@podwire/base';
import { statusOf } from '@podwire/kube';
import type { ApiObject, ApiResponse } from '../seam.ts';
import { isTrue, parseRevisions, type Revisions } from './list-options.ts';
import type { Matcher } from './selectors.ts';
import { tooOld } from './status.ts';
import type { Store, StoreEvent } from './store.ts';
import { selectEvent } from './watch.ts';
import { bookmarkLine, errorLine, eventLine, type WatchForm } from './watch-line.ts';

export interface WatchOptions extends WatchForm {
  readonly matcher: Matcher | undefined;
  /** A value of the kind's indexed field that all the matcher matches have. */
  readonly indexed?: string | undefined;
  readonly query: URLSearchParams;
  readonly signal: AbortSignal;
}

const TICK = 10_000;
const DEFAULT_TIMEOUT = 30 * 60;
const MAX_TIMEOUT = 86_400;
/** Bytes given to the stream at once: more, step by step, to a client that takes them and has still more to come. */
const CHUNK = 64 * 1024;
const MAX_CHUNK = 1024 * 1024;
/** Events taken from the history at once. */
const EVENTS = 256;
/** A reader that takes nothing for that many ticks while there is something is let go. */
const PATIENCE = 6;

type Pieces = readonly Buffer[];

/**
 * The endless answer to a watch: one line of JSON per event. It holds no events but a place in the history of its kind,
 * which all watches share, and reads on when the client has taken what it was given. So a slow client costs the others
 * nothing; one whose place is no longer in the history is told so when it reads on, and lists again; one that takes nothing
 * at all is let go. One that takes all it is given is given more at a time, for it is asked only once in a turn of the event
 * loop, and a turn is long when there are many writes.
 */
export class WatchResponse {
  readonly #store: Store;
  readonly #options: WatchOptions;
  readonly #stream = new Readable({ highWaterMark: CHUNK, read: () => this.#read() });
  readonly #asked: Revisions;
  readonly #lines: Iterator<Pieces | undefined, void>;
  readonly #timers: NodeJS.Timeout[] = [];
  #unsubscribe: (() => void) | undefined;
  /** All events of the kind up to here are sent, or not for this client. */
  #revision = Number.POSITIVE_INFINITY;
  /** Up to now there was nothing to send that is not sent. */
  #isCurrent = false;
  #chunk = CHUNK;
  #isFirst = true;
  /** The client takes more. */
  #isWanted = false;
  #isWoken = false;
  #hasEnded = false;
  #bookmarkIsDue = false;
  #ticksUnread = 0;

  /** Throws 400 and 422. */
  constructor(store: Store, options: WatchOptions) {
    this.#asked = parseRevisions(options.query, true);
    this.#store = store;
    this.#options = options;
    this.#lines = this.#allLines();
  }

  start(): ApiResponse {
    const { signal, query, path, indexed } = this.#options;
    const wake = (event: StoreEvent) => this.#wake(event);
    this.#unsubscribe = this.#store.watch(path.kind.id, this.#store.revision, wake, indexed);
    const end = () => this.#end();
    this.#stream.once('close', () => this.#finish());
    const seconds = Number(query.get('timeoutSeconds')) || DEFAULT_TIMEOUT * (1 + Math.random());
    this.#timers.push(setTimeout(end, Math.min(seconds, MAX_TIMEOUT) * 1000));
    this.#timers.push(setInterval(() => this.#tick(), TICK));
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
    return { status: 200, headers: { 'content-type': 'application/json' }, stream: this.#stream };
  }

  /** Line after line; undefined when there is nothing more for now. */
  *#allLines(): Generator<Pieces | undefined, void> {
    const { path, matcher, indexed } = this.#options;
    const { id } = path.kind;
    const { revision: asked = 0, sendInitialEvents } = this.#asked;
    const withState = sendInitialEvents ?? asked === 0;
    if (asked > this.#store.revision) return yield this.#expired();
    this.#revision = withState || asked === 0 ? this.#store.revision : asked;
    if (withState) {
      const objects = indexed === undefined ? this.#store.list(id) : this.#store.listOf(id, indexed);
      for (const object of objects) if (!matcher || matcher(object)) yield this.#line('ADDED', object);
    }
    if (sendInitialEvents && this.#wantsBookmarks) yield bookmarkLine(this.#revision, this.#options, true);
    for (;;) {
      const events = this.#store.eventsAfter(id, this.#revision, EVENTS, indexed);
      if (!events) return yield this.#expired();
      for (const event of events) {
        this.#revision = event.revision;
        const selected = selectEvent(event, matcher);
        if (selected) yield this.#line(selected.type, selected.object);
      }
      if (events.length > 0) continue;
      if (this.#bookmarkIsDue) yield bookmarkLine(this.#store.revision, this.#options, false);
      this.#bookmarkIsDue = false;
      this.#isCurrent = true;
      yield undefined;
    }
  }

  #line(type: 'ADDED' | 'MODIFIED' | 'DELETED', object: ApiObject): Pieces {
    const line = eventLine(type, object, this.#options, this.#isFirst);
    this.#isFirst = false;
    return line;
  }

  #expired(): Pieces {
    return errorLine(
      statusOf(tooOld(this.#asked.revision ?? 0, this.#store.oldestRevision(this.#options.path.kind.id))),
    );
  }

  get #wantsBookmarks(): boolean {
    return isTrue(this.#options.query.get('allowWatchBookmarks'));
  }

  #read(): void {
    this.#isWanted = true;
    this.#ticksUnread = 0;
    this.#fill();
  }

  /** Events of the same turn are sent together. */
  #wake({ revision }: StoreEvent): void {
    // What came between concerned others.
    if (this.#isCurrent) this.#revision = Math.max(this.#revision, revision - 1);
    this.#isCurrent = false;
    if (!this.#isWanted || this.#isWoken) return;
    this.#isWoken = true;
    setImmediate(() => {
      this.#isWoken = false;
      this.#fill();
    });
  }

  #tick(): void {
    this.#bookmarkIsDue = this.#wantsBookmarks;
    if (this.#isWanted) this.#fill();
    else if (++this.#ticksUnread >= PATIENCE) this.#cut();
  }

  /** Gives the stream what there is, as far as it takes it. */
  #fill(): void {
    if (!this.#isWanted || this.#hasEnded) return;
    try {
      const pieces: Buffer[] = [];
      let length = 0;
      let next = this.#lines.next();
      while (!next.done && next.value) {
        for (const piece of next.value) {
          pieces.push(piece);
          length += piece.length;
        }
        if (length >= this.#chunk) break;
        next = this.#lines.next();
      }
      this.#chunk = length < this.#chunk ? CHUNK : Math.min(2 * this.#chunk, MAX_CHUNK);
      if (length > 0) {
        this.#isWanted = false;
        this.#stream.push(Buffer.concat(pieces, length));
      }
      if (next.done) this.#finish();
    } catch (error) {
      process.emitWarning(`a watch of ${this.#options.path.kind.id} was ended: ${messageOf(error)}`);
      this.#cut();
    }
  }

  /** Ends at once and lets go of what was not read. Not in order, so that what the stream is piped into is closed, too. */
  #cut(): void {
    this.#stop();
    this.#hasEnded = true;
    this.#stream.destroy();
  }

  #stop(): void {
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
    for (const timer of this.#timers.splice(0)) clearTimeout(timer);
  }

  /** In order, after what has happened until now as far as the client takes it. */
  #end(): void {
    this.#fill();
    this.#finish();
  }

  #finish(): void {
    this.#stop();
    if (!this.#hasEnded && !this.#stream.destroyed) this.#stream.push(null);
    this.#hasEnded = true;
  }
}
