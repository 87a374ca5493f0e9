/** Frame types of SPDY/3.1 that kubectl uses (draft-mbelshe-httpbis-spdy-00, section 2.6). */
export const FRAME = { synStream: 1, synReply: 2, rstStream: 3, ping: 6, goAway: 7, windowUpdate: 9 } as const;

/** Last frame of its sender on this stream. */
export const FLAG_FIN = 1;
const HEAD_LENGTH = 8;
const VERSION = 0x8003;

export type SpdyFrame =
  | { readonly control: true; readonly type: number; readonly flags: number; readonly body: Buffer }
  | { readonly control: false; readonly stream: number; readonly flags: number; readonly body: Buffer };

export function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value >>> 0);
  return bytes;
}

export function controlFrame(type: number, flags: number, ...parts: readonly Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const head = Buffer.alloc(HEAD_LENGTH);
  head.writeUInt16BE(VERSION, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt32BE(((flags << 24) | body.length) >>> 0, 4);
  return Buffer.concat([head, body]);
}

export function dataFrame(stream: number, flags: number, body: Uint8Array): Buffer {
  return Buffer.concat([u32(stream), u32((flags << 24) | body.length), body]);
}

/** Cuts a byte stream into frames. */
export class FrameReader {
  #pending: Buffer[] = [];
  #size = 0;

  push(chunk: Buffer): void {
    this.#pending.push(chunk);
    this.#size += chunk.length;
  }

  /** Undefined until the next frame is complete. */
  next(): SpdyFrame | undefined {
    if (this.#size < HEAD_LENGTH) return undefined;
    const first = this.#atLeast(HEAD_LENGTH);
    const length = first.readUInt32BE(4) & 0xffffff;
    const end = HEAD_LENGTH + length;
    if (this.#size < end) return undefined;
    const all = this.#atLeast(end);
    this.#pending[0] = all.subarray(end);
    this.#size -= end;
    const flags = all[4] ?? 0;
    const body = all.subarray(HEAD_LENGTH, end);
    if ((all[0] ?? 0) & 0x80) return { control: true, type: all.readUInt16BE(2), flags, body };
    return { control: false, stream: all.readUInt32BE(0), flags, body };
  }

  /** Joins chunks until the first holds that many bytes, which must be there. */
  #atLeast(length: number): Buffer {
    const [first] = this.#pending;
    if (first && first.length >= length) return first;
    const all = Buffer.concat(this.#pending);
    this.#pending = [all];
    return all;
  }
}
