import { hasCode } from '@podwire/base';
import type { KubeClient } from './client.ts';
import type { Clock } from './clock.ts';
import { EventFilter } from './event-filter.ts';
import { type EventName, eventName, forgetEventName } from './event-names.ts';
import type { Event } from './kinds.ts';

export interface EventSubject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly name: string;
  /** Absent for cluster-scoped objects; their Events are in `default`. */
  readonly namespace?: string;
  readonly uid?: string;
  /** The part it is about, e.g. `spec.containers{web}`. */
  readonly fieldPath?: string;
}

export interface EventToRecord {
  readonly object: EventSubject;
  readonly type: 'Normal' | 'Warning';
  /** CamelCase, e.g. `FailedScheduling`. */
  readonly reason: string;
  readonly message: string;
  /** Who says so, e.g. `podwire-scheduler`. */
  readonly component: string;
  readonly host?: string;
  /** Events of one series are counted as one, whatever their messages. */
  readonly series?: string;
}

/** Records events of one program: repetitions are counted, similar ones combined, floods left out. */
export interface EventRecorder {
  /** Whether it was written; never throws. */
  record(event: EventToRecord): Promise<boolean>;
}

export function createEventRecorder(client: KubeClient, clock?: Clock): EventRecorder {
  const filter = new EventFilter(clock);
  return {
    record: async (event) => {
      const admitted = filter.admit(event);
      return admitted !== undefined && recordEvent(client, admitted);
    },
  };
}

/**
 * Writes a core/v1 Event, or raises the count of the same one of this client. Events are a courtesy: a failure is answered with false,
 * never thrown.
 */
export async function recordEvent(client: KubeClient, event: EventToRecord): Promise<boolean> {
  const namespace = event.object.namespace ?? 'default';
  const now = new Date().toISOString().replace(/\.\d+/, '');
  const known = eventName(client, event);
  const key = { namespace, name: known.name };
  try {
    const seen = await client.get('Event', key);
    if (!seen) {
      // Events live an hour.
      const name = known.isWritten ? renamed(client, event, known) : known;
      await client.create('Event', newEvent(event, { namespace, name: name.name }, now));
      name.isWritten = true;
      return true;
    }
    known.isWritten = true;
    const { message } = event;
    await client.patch('Event', key, { count: (seen.count ?? 1) + 1, lastTimestamp: now, message });
    return true;
  } catch (error) {
    if (!hasCode(error, 'KUBE_ALREADY_EXISTS')) return false;
    // Somebody wrote the same Event between our read and our write: one occurrence more is lost at most.
    return true;
  }
}

function renamed(client: KubeClient, event: EventToRecord, gone: EventName): EventName {
  forgetEventName(client, gone);
  return eventName(client, event);
}

function newEvent(event: EventToRecord, key: { namespace: string; name: string }, now: string): Event {
  const { object, type, reason, message, component, host } = event;
  return {
    metadata: key,
    involvedObject: { ...object },
    type,
    reason,
    message,
    source: host === undefined ? { component } : { component, host },
    firstTimestamp: now,
    lastTimestamp: now,
    count: 1,
    reportingComponent: component,
  } as Event;
}
