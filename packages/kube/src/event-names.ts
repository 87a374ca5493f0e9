import { remember } from '@podwire/base';
import type { KubeClient } from './client.ts';
import type { EventToRecord } from './event-recorder.ts';

/** Happenings remembered for each client; the oldest are forgotten first, and have another Event the next time. */
const REMEMBERED = 4096;

export interface EventName {
  readonly name: string;
  /** Whether the Event was seen to exist: when it is gone, it is not because it is yet to come. */
  isWritten: boolean;
}

const names = new WeakMap<KubeClient, Map<string, EventName>>();
let latest = 0n;

/**
 * The name of the Event of a happening, `<object>.<hex nanoseconds>` of when it was told for the first time by this client,
 * so that the order of names is that of time; repetitions have the same.
 */
export function eventName(client: KubeClient, event: EventToRecord): EventName {
  const known = names.get(client) ?? new Map<string, EventName>();
  names.set(client, known);
  const { object, type, reason, message, component, host, series = message } = event;
  const key = JSON.stringify([object, type, reason, series, component, host]);
  const name = known.get(key) ?? { name: `${object.name}.${instant()}`, isWritten: false };
  remember(known, key, name, REMEMBERED);
  return name;
}

/** The next time the same happens it has another name. */
export function forgetEventName(client: KubeClient, gone: EventName): void {
  const known = names.get(client);
  for (const [key, name] of known ?? []) if (name === gone) known?.delete(key);
}

/** No two are the same. */
function instant(): string {
  const now = BigInt(Date.now()) * 1_000_000n;
  latest = now > latest ? now : latest + 1n;
  return latest.toString(16).padStart(16, '0');
}
