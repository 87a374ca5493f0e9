import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { BODY_LIMIT } from './body.ts';
import { badRequest, failure, tooLarge, tooManyRequests } from './status.ts';

/** A request as far as its body is concerned. */
export type BodySource = Readable & { readonly headers: IncomingHttpHeaders };

interface BodyLimits {
  /** How long a body may take to arrive, in ms. */
  readonly patience: number;
  /** Bytes of all bodies together that are not there in full. */
  readonly inFlight: number;
}

const LIMITS: BodyLimits = { patience: 30_000, inFlight: 256 * 1024 * 1024 };

/** Reads bodies of requests without keeping more of them in memory than it should. */
export class RequestBodies {
  readonly #limits: BodyLimits;
  #inFlight = 0;

  constructor(limits: Partial<BodyLimits> = {}) {
    this.#limits = { ...LIMITS, ...limits };
  }

  /** The whole body; rejects with 400, 408, 413 and 429. What comes after a refusal is the transport's to throw away. */
  async read(source: BodySource): Promise<Buffer> {
    if (Number(source.headers['content-length']) > BODY_LIMIT) throw tooLarge(BODY_LIMIT);
    const chunks: Buffer[] = [];
    let length = 0;
    const take = (chunk: Buffer): Error | undefined => {
      length += chunk.length;
      this.#inFlight += chunk.length;
      chunks.push(chunk);
      if (length > BODY_LIMIT) return tooLarge(BODY_LIMIT);
      return this.#inFlight > this.#limits.inFlight ? tooManyRequests() : undefined;
    };
    try {
      await this.#received(source, take);
      return Buffer.concat(chunks, length);
    } finally {
      this.#inFlight -= length;
    }
  }

  #received(source: BodySource, take: (chunk: Buffer) => Error | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (error?: Error) => {
        clearTimeout(timer);
        source.off('data', onData).off('end', onEnd).off('close', onClose);
        if (error) reject(error);
        else resolve();
      };
      const onData = (chunk: Buffer) => {
        const refusal = take(chunk);
        if (refusal) done(refusal);
      };
      const onEnd = () => done();
      const onClose = () => done(badRequest('the body of the request is not whole'));
      const timer = setTimeout(() => done(tooSlow(this.#limits.patience)), this.#limits.patience);
      source.on('data', onData).on('end', onEnd).on('close', onClose).on('error', onClose);
    });
  }
}

function tooSlow(patience: number): Error {
  return failure(408, 'Timeout', `Timeout: the body of the request did not arrive within ${patience / 1000} s`);
}
