import type { ApiObject } from '../seam.ts';
import type { Matcher } from './selectors.ts';
import type { StoreEvent } from './store.ts';

export interface SelectedEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly object: ApiObject;
}

/**
 * What a watcher with a selector sees of a change: objects that come to match are added, those that cease are deleted, as
 * they were when they still did.
 */
export function selectEvent(event: StoreEvent, matcher: Matcher | undefined): SelectedEvent | undefined {
  if (!matcher) return event;
  const { type, object, previous } = event;
  const before = previous !== undefined && matcher(previous);
  const after = type !== 'DELETED' && matcher(object);
  if (after) return { type: before ? 'MODIFIED' : 'ADDED', object };
  if (!before) return undefined;
  return { type: 'DELETED', object: type === 'DELETED' ? object : leaving(previous, object) };
}

function leaving(previous: ApiObject, { metadata: { resourceVersion = '' } }: ApiObject): ApiObject {
  return Object.freeze({ ...previous, metadata: Object.freeze({ ...previous.metadata, resourceVersion }) });
}
