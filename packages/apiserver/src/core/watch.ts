import type { ApiObject } from '../seam.ts';
import type { Matcher } from './selectors.ts';
import type { StoreEvent } from './store.ts';

export interface SelectedEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: ApiObject;
}

/** What a watcher with a selector sees of a change: objects that come to match are added, those that cease are deleted. */
export function selectEvent(event: StoreEvent, matcher: Matcher | undefined): SelectedEvent | undefined {
  if (!matcher) return event;
  const { type, object, previous } = event;
  const before = previous !== undefined && matcher(previous);
  const after = type !== 'DELETED' && matcher(object);
  if (after) return { type: before ? 'MODIFIED' : 'ADDED', object };
  return before ? { type: 'DELETED', object } : undefined;
}
