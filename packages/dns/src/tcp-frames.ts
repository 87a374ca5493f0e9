/** Cuts a TCP byte stream into DNS messages: two bytes of length, then the message (RFC 1035 4.2.2). */
export class FrameReader {
  #pending: Buffer = Buffer.alloc(0);

  /** The messages that are complete with these bytes. */
  push(chunk: Buffer): Buffer[] {
    this.#pending = this.#pending.length === 0 ? chunk : Buffer.concat([this.#pending, chunk]);
    const frames: Buffer[] = [];
    while (this.#pending.length >= 2) {
      const end = 2 + this.#pending.readUInt16BE(0);
      if (this.#pending.length < end) break;
      frames.push(this.#pending.subarray(2, end));
      this.#pending = this.#pending.subarray(end);
    }
    return frames;
  }
}

export function frame(message: Buffer): Buffer {
  const framed = Buffer.allocUnsafe(message.length + 2);
  framed.writeUInt16BE(message.length, 0);
  message.copy(framed, 2);
  return framed;
}
