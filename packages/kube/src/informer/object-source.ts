import type { Page, PageOptions, WatchEvent, WatchOptions } from '../client.ts';

/** Where the objects of one kind come from. */
export interface ObjectSource<T> {
  list(options: PageOptions): Promise<Page<T>>;
  watch(options: WatchOptions, onEvent: (event: WatchEvent<T>) => void): Promise<void>;
  /** Whether watch() knows sendInitialEvents; the server behind it may not. Absent: no. */
  readonly streamsLists?: boolean | undefined;
}
