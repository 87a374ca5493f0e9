/** Cuts a byte stream at newlines; only whole lines become text, so no character is ever split. */
export class LineSplitter {
  readonly #onLine: (line: string) => void;
  readonly #limit: number;
  #tail: Buffer[] = [];
  #tailBytes = 0;

  /** `limit`: longest line in bytes; push throws RangeError beyond it. */
  constructor(onLine: (line: string) => void, limit = 64 * 1024 * 1024) {
    this.#onLine = onLine;
    this.#limit = limit;
  }

  push(chunk: Buffer): void {
    let from = 0;
    for (let end = chunk.indexOf(10); end >= 0; end = chunk.indexOf(10, from)) {
      const line = this.#tailBytes > 0 ? this.#join(chunk.subarray(from, end)) : chunk.toString('utf8', from, end);
      from = end + 1;
      if (line !== '') this.#onLine(line);
    }
    if (from < chunk.length) this.#keep(chunk.subarray(from));
  }

  #join(last: Buffer): string {
    const line = Buffer.concat([...this.#tail, last]).toString('utf8');
    this.#tail = [];
    this.#tailBytes = 0;
    return line;
  }

  #keep(rest: Buffer): void {
    this.#tailBytes += rest.length;
    if (this.#tailBytes > this.#limit) throw new RangeError(`a line is longer than ${this.#limit} bytes`);
    this.#tail.push(rest);
  }
}
