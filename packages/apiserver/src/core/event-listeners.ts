import type { StoreEvent } from './event-history.ts';

export type EventListener = (event: StoreEvent) => void;

/** Who is told of the events of one kind: of all, or of those that concern one value of the indexed field. */
export class EventListeners {
  readonly #ofAll = new Set<EventListener>();
  readonly #ofValue = new Map<string, Set<EventListener>>();

  /** Returns what takes the listener away again. */
  add(listener: EventListener, value?: string): () => void {
    const listeners = value === undefined ? this.#ofAll : (this.#ofValue.get(value) ?? new Set());
    if (value !== undefined) this.#ofValue.set(value, listeners);
    listeners.add(listener);
    return () => {
      listeners.delete(listener);
      if (value !== undefined && listeners.size === 0 && this.#ofValue.get(value) === listeners)
        this.#ofValue.delete(value);
    };
  }

  /** A listener that throws is told no more: its fault ends its own watch, not the commit nor the other watches. */
  tell(event: StoreEvent, values: readonly string[], onFault: (error: unknown) => void): void {
    for (const listeners of [this.#ofAll, ...values.map((value) => this.#ofValue.get(value) ?? NONE)]) {
      for (const listener of [...listeners]) {
        try {
          listener(event);
        } catch (error) {
          (listeners as Set<EventListener>).delete(listener);
          onFault(error);
        }
      }
    }
  }
}

const NONE: ReadonlySet<EventListener> = new Set();
