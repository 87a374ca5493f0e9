import { hasCode, type Logger, messageOf } from '@podwire/base';

/** Nothing is wrong: the server has no such kind, or has forgotten a revision. */
const NORMAL = ['KUBE_NOT_FOUND', 'KUBE_GONE'] as const;

/** Reasons told of one outage: a server may put a number in each. */
const MOST = 32;

/**
 * Says in a log why informers of one API server are not up to date, each reason once, and when all of them are again. A watch
 * that breaks once is not worth a line.
 */
export class FailureLog {
  readonly #logger: Logger;
  /** The last reason by kind. */
  readonly #failing = new Map<string, string>();
  readonly #told = new Set<string>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  /** The kinds that cannot be read and why, `Node, Service: no answer`, one entry a reason; empty: all is well. */
  get unreadable(): readonly string[] {
    const kinds = Map.groupBy(this.#failing.keys(), (kind) => this.#failing.get(kind) ?? '');
    return [...kinds].map(([reason, those]) => `${those.sort().join(', ')}: ${reason}`);
  }

  /** For `onFailure` of createInformers. */
  readonly onFailure = (kind: string, error: unknown): void => {
    if (error === undefined || NORMAL.some((code) => hasCode(error, code))) this.#worked(kind);
    else this.#failed(kind, messageOf(error));
  };

  #failed(kind: string, reason: string): void {
    const isAgain = this.#failing.has(kind);
    this.#failing.set(kind, reason);
    if (!isAgain || this.#told.has(reason) || this.#told.size >= MOST) return;
    this.#told.add(reason);
    this.#logger.error('the API server cannot be read, trying again', { kind, reason });
  }

  #worked(kind: string): void {
    this.#failing.delete(kind);
    if (this.#failing.size > 0 || this.#told.size === 0) return;
    this.#told.clear();
    this.#logger.info('the API server can be read again');
  }
}
