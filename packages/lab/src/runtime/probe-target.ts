import type { Pod } from '@podwire/kube';
import type { Container } from './container-environment.ts';
import { secondsToDelay } from './delay.ts';

export type Probe = NonNullable<Container['readinessProbe']>;

/** A probe's or hook's port: a number, or the name of a declared port; undefined when there is no such. */
export function portNumber(port: number | string | undefined, container: Container): number | undefined {
  if (typeof port === 'number') return port;
  if (port !== undefined && /^\d+$/.test(port)) return Number(port);
  return container.ports?.find((p) => p.name === port)?.containerPort;
}

/** Names a probe's headers; a Host header replaces the address. */
export function probeHeaders(
  get: NonNullable<Probe['httpGet']>,
  address: string,
  port: number,
): Record<string, string> {
  const headers: Record<string, string> = {
    host: `${address}:${port}`,
    'user-agent': 'kube-probe/1.33',
    accept: '*/*',
  };
  for (const { name, value } of get.httpHeaders ?? []) headers[name.toLowerCase()] = value;
  return headers;
}

export function gracePeriod(pod: Pod): number {
  const seconds = pod.metadata?.deletionGracePeriodSeconds ?? pod.spec?.terminationGracePeriodSeconds ?? 30;
  return secondsToDelay(seconds);
}
