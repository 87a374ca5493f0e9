import type { ObjectOf } from '@podwire/kube';
import { keyOf, nameOf } from './context.ts';

type Service = ObjectOf<'Service'>;
type Pod = ObjectOf<'Pod'>;

/** Of an EndpointSlice: when that happened for which it was written. RFC 3339, in seconds. Source: Kubernetes, well-known annotations. */
export const TRIGGER_TIME = 'endpoints.kubernetes.io/last-change-trigger-time';

/** What was seen of each Service and its pods, so that proxies can tell how long a change took to reach them. */
export class TriggerTimes {
  readonly #seen = new Map<string, ReadonlyMap<string, string>>();

  /** The earliest time of what is new since the last call: the Service itself, pods that became ready or no longer are. */
  next(service: Service, pods: readonly Pod[]): string | undefined {
    const key = keyOf(service);
    const before = this.#seen.get(key);
    const now = timesOf(service, pods);
    this.#seen.set(key, now);
    const fresh = [...now].filter(([name, time]) => before?.get(name) !== time);
    return fresh.map(([, time]) => time).reduce(earlier, undefined);
  }

  forget(key: string): void {
    this.#seen.delete(key);
  }
}

/** By the name of the pod; the Service's by none. */
function timesOf(service: Service, pods: readonly Pod[]): Map<string, string> {
  const times = pods.map((pod) => {
    const ready = pod.status?.conditions?.find(({ type }) => type === 'Ready');
    return [nameOf(pod), ready?.lastTransitionTime] as const;
  });
  const known = [['', service.metadata?.creationTimestamp] as const, ...times];
  return new Map(known.flatMap(([name, time]) => (time === undefined ? [] : [[name, time] as const])));
}

function earlier(first: string | undefined, other: string): string {
  return first !== undefined && Date.parse(first) <= Date.parse(other) ? first : other;
}
