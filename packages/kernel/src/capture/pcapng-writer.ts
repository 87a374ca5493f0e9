import { once } from 'node:events';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { PodwireError } from '@podwire/base';
import type { InterfaceBlock, NamesBlock, PacketBlock, SectionBlock, StatisticsBlock } from './pcapng-block.ts';
import { encodePcapngBlock } from './pcapng-encoder.ts';

type Body<B> = Omit<B, 'type'>;

/** Writes one section of a capture file to a stream, block by block. */
export class PcapngWriter {
  readonly #stream: Writable;
  #interfaces = 0;
  #drained: Promise<void> | undefined;

  constructor(stream: Writable, section: Body<SectionBlock> = {}) {
    this.#stream = stream;
    this.#write(encodePcapngBlock({ ...section, type: 'section' }));
  }

  #write(bytes: Buffer): boolean {
    return this.#stream.write(bytes);
  }

  /** Describes an interface and returns its number, which its packets name. */
  addInterface(description: Body<InterfaceBlock>): number {
    this.#write(encodePcapngBlock({ ...description, type: 'interface' }));
    this.#interfaces += 1;
    return this.#interfaces - 1;
  }

  /** False: the stream is full; wait for `drained()` or leave packets out, memory grows otherwise. */
  packet(packet: Body<PacketBlock>): boolean {
    return this.#write(encodePcapngBlock({ ...packet, type: 'packet' }));
  }

  statistics(statistics: Body<StatisticsBlock>): void {
    this.#write(encodePcapngBlock({ ...statistics, type: 'statistics' }));
  }

  /** Names of addresses; may come at any time, also again. */
  names(entries: NamesBlock['entries']): void {
    this.#write(encodePcapngBlock({ type: 'names', entries }));
  }

  /** Resolves when the stream has room again. Rejects with the stream's error, or KERNEL_CLOSED when it was closed before. */
  drained(): Promise<void> {
    if (this.#stream.destroyed) return Promise.reject(this.#endError());
    if (!this.#stream.writableNeedDrain) return Promise.resolve();
    // all who wait share one listener
    this.#drained ??= this.#nextDrain();
    return this.#drained;
  }

  async #nextDrain(): Promise<void> {
    const either = new AbortController();
    const [drain, close] = ['drain', 'close'].map((event) => once(this.#stream, event, { signal: either.signal }));
    const closed = close?.then(() => {
      throw this.#endError();
    });
    try {
      await Promise.race([drain, closed]);
    } finally {
      either.abort(); // takes the listener of the other off
      this.#drained = undefined;
    }
  }

  #endError(): Error {
    const closed = 'the stream of a capture file is closed; what is captured from now on is lost';
    return this.#stream.errored ?? new PodwireError('KERNEL_CLOSED', closed);
  }

  /** Ends the stream; resolves when all is written. Rejects with the stream's error. */
  async end(): Promise<void> {
    this.#stream.end();
    await finished(this.#stream);
  }
}
