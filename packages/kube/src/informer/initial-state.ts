import type { WatchEvent } from '../client.ts';
import type { Clock } from '../clock.ts';
import type { Stored } from './object-store.ts';

type Annotated = Stored & { readonly metadata?: { readonly annotations?: Record<string, string> } };

const INITIAL_EVENTS_END = 'k8s.io/initial-events-end';

/** The state with which a watch begins (KEP-3157), while it comes in. */
export class InitialState<T extends Annotated> {
  readonly #objects = new Map<string, T>();
  readonly #clock: Clock;
  readonly #over = new AbortController();
  #heardAt: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#heardAt = clock.now();
  }

  get objects(): Iterable<T> {
    return this.#objects.values();
  }

  /** The bookmark that ends the state, when it is the event; the state is complete then. */
  take({ type, object }: WatchEvent<T>, keep: (object: T) => T): T | undefined {
    this.#heardAt = this.#clock.now();
    const key = `${object.metadata?.namespace ?? ''}/${object.metadata?.name ?? ''}`;
    if (type === 'DELETED') this.#objects.delete(key);
    else if (type !== 'BOOKMARK') this.#objects.set(key, keep(object));
    else if (object.metadata?.annotations?.[INITIAL_EVENTS_END] === 'true') return object;
    return undefined;
  }

  /** Nobody waits for it any more. */
  end(): void {
    this.#over.abort();
    this.#objects.clear();
  }

  /** Resolves to true when nothing was heard for so many ms, to false at the end. */
  async untilSilent(patience: number): Promise<boolean> {
    const { signal } = this.#over;
    while (!signal.aborted) {
      const rest = this.#heardAt + patience - this.#clock.now();
      if (rest <= 0) return true;
      await this.#clock.sleep(rest, signal);
    }
    return false;
  }
}
