import { EventEmitter, once } from 'node:events';
import { Duplex } from 'node:stream';
import { controlFrame, dataFrame, FLAG_FIN, FRAME, FrameReader, type SpdyFrame, u32 } from './spdy-frames.ts';
import { decodeHeaders, encodeHeaders, headerDeflater, headerInflater, type SpdyHeaders } from './spdy-headers.ts';

/** Data a stream may hold before the whole connection is no longer read: kubectl does not wait for windows. */
const BUFFER_LIMIT = 1024 * 1024;
const STREAM_LIMIT = 4096;
/** Data frames we send are no longer, so that streams share the connection. */
const CHUNK = 32 * 1024;

/** One stream that the client opened. */
export class SpdyStream extends Duplex {
  readonly id: number;
  readonly headers: SpdyHeaders;
  readonly #io: Duplex;

  constructor(io: Duplex, id: number, headers: SpdyHeaders) {
    super({ allowHalfOpen: true });
    this.#io = io;
    this.id = id;
    this.headers = headers;
    // A client may break off any stream; whoever uses the stream sees it close.
    this.on('error', () => {});
  }

  override _read(): void {
    this.emit('drained');
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.#io.destroyed) {
      done(new Error('the connection is closed'));
      return;
    }
    for (let at = 0; at < chunk.length; at += CHUNK) {
      const part = chunk.subarray(at, at + CHUNK);
      const last = at + CHUNK >= chunk.length;
      this.#io.write(dataFrame(this.id, 0, part), last ? done : undefined);
    }
    if (chunk.length === 0) done();
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.#io.writable) this.#io.write(dataFrame(this.id, FLAG_FIN, Buffer.alloc(0)), () => done());
    else done();
  }
}

/**
 * The server's side of SPDY/3.1 over any byte stream, as far as kubectl speaks it: streams opened by the client, both
 * ways, no priorities, no windows (kubectl neither waits for them nor opens ours). Emits 'stream' with a SpdyStream
 * for each, and 'close' when the connection is over.
 */
export class SpdyConnection extends EventEmitter<{ stream: [SpdyStream]; close: [] }> {
  readonly #io: Duplex;
  readonly #streams = new Map<number, SpdyStream>();
  readonly #inflate = headerInflater();
  readonly #deflate = headerDeflater();

  constructor(io: Duplex) {
    super();
    this.#io = io;
    io.on('error', () => {});
    void this.#run();
  }

  /** Sends what is pending, then closes. */
  end(): void {
    this.#io.end();
  }

  async #run(): Promise<void> {
    const reader = new FrameReader();
    try {
      for await (const chunk of this.#io) {
        reader.push(chunk as Buffer);
        for (let frame = reader.next(); frame; frame = reader.next()) await this.#take(frame);
      }
    } catch {
      // A broken connection and a broken frame end alike.
    }
    for (const stream of this.#streams.values()) stream.destroy();
    this.#io.destroy();
    this.emit('close');
  }

  async #take(frame: SpdyFrame): Promise<void> {
    if (!frame.control) {
      await this.#takeData(frame.stream & 0x7fffffff, frame);
      return;
    }
    const { type, flags, body } = frame;
    if (type === FRAME.synStream) await this.#open(body, flags);
    else if (type === FRAME.rstStream) this.#streams.get(body.readUInt32BE(0) & 0x7fffffff)?.destroy();
    else if (type === FRAME.ping) this.#io.write(controlFrame(FRAME.ping, 0, body));
    else if (type === FRAME.goAway && this.#streams.size === 0) this.#io.end();
  }

  async #takeData(id: number, { flags, body }: SpdyFrame): Promise<void> {
    const stream = this.#streams.get(id);
    if (!stream) return;
    if (body.length > 0) {
      const more = stream.push(body);
      for (const target of [0, id]) this.#io.write(controlFrame(FRAME.windowUpdate, 0, u32(target), u32(body.length)));
      if (!more && stream.readableLength > BUFFER_LIMIT) await drained(stream);
    }
    if (flags & FLAG_FIN) stream.push(null);
  }

  async #open(body: Buffer, flags: number): Promise<void> {
    const id = body.readUInt32BE(0) & 0x7fffffff;
    const headers = decodeHeaders(await this.#inflate(body.subarray(10)));
    if (this.#streams.has(id) || this.#streams.size >= STREAM_LIMIT) throw new RangeError(`SPDY stream ${id} refused`);
    const stream = new SpdyStream(this.#io, id, headers);
    this.#streams.set(id, stream);
    stream.on('close', () => this.#streams.delete(id));
    this.#io.write(controlFrame(FRAME.synReply, 0, u32(id), await this.#deflate(encodeHeaders(new Map()))));
    this.emit('stream', stream);
    if (flags & FLAG_FIN) stream.push(null);
  }
}

async function drained(stream: SpdyStream): Promise<void> {
  if (stream.destroyed) return;
  await Promise.race([once(stream, 'drained'), once(stream, 'close')]).catch(() => {});
}
