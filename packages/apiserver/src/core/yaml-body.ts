import { Worker } from 'node:worker_threads';
import { messageOf } from '@podwire/base';
import { parseYaml } from '@podwire/kube';
import { badRequest, tooManyRequests } from './status.ts';

/** Of a text that was read elsewhere. */
export interface YamlOutcome {
  readonly value?: unknown;
  /** Why there is no value. */
  readonly why?: string;
}

interface YamlLimits {
  /** Texts that are longer are read by a thread of their own. */
  readonly inPlace: number;
  /** How long such a thread may take, in ms. */
  readonly patience: number;
  readonly waiting: number;
}

const LIMITS: YamlLimits = { inPlace: 8 * 1024, patience: 20_000, waiting: 8 };
const MEMORY = { maxOldGenerationSizeMb: 512 };

/**
 * Reads YAML without holding up others. A megabyte of it may be written so that reading takes minutes, so long texts are
 * read by another thread, one after the other, which is ended when it takes too long.
 */
export class YamlBodies {
  readonly #limits: YamlLimits;
  #waiting = 0;
  #last: Promise<unknown> = Promise.resolve();

  constructor(limits: Partial<YamlLimits> = {}) {
    this.#limits = { ...LIMITS, ...limits };
  }

  /** Rejects with 400 and 429. */
  async read(text: string): Promise<unknown> {
    if (text.length <= this.#limits.inPlace) return here(text);
    if (this.#waiting >= this.#limits.waiting) throw tooManyRequests();
    this.#waiting++;
    const mine = this.#last.then(() => elsewhere(text, this.#limits.patience));
    this.#last = mine.catch(() => {}).finally(() => this.#waiting--);
    return mine;
  }
}

function here(text: string): unknown {
  try {
    return parseYaml(text, 'body');
  } catch (error) {
    throw unreadable(messageOf(error));
  }
}

async function elsewhere(text: string, patience: number): Promise<unknown> {
  const worker = new Worker(new URL('./yaml-worker.ts', import.meta.url), { workerData: text, resourceLimits: MEMORY });
  const { promise, resolve, reject } = Promise.withResolvers<YamlOutcome>();
  const timer = setTimeout(() => reject(unreadable(`it takes longer than ${patience / 1000} s`)), patience);
  worker.once('message', resolve);
  worker.once('error', (error) => reject(unreadable(messageOf(error))));
  worker.once('exit', () => reject(unreadable('its reader ended')));
  try {
    const { value, why } = await promise;
    if (why !== undefined) throw unreadable(why);
    return value;
  } finally {
    clearTimeout(timer);
    await worker.terminate();
  }
}

function unreadable(why: string): Error {
  return badRequest(`error converting YAML to JSON: ${why}`);
}
