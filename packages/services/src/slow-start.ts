import type { IpAddress } from '@podwire/base';
import type { ServiceModel, SlowStart } from './model.ts';
import { keyOf, titleOf, weightOf } from './model.ts';
import { MAX_ENDPOINTS } from './target.ts';

/**
 * Into how many parts a full share is divided, when that makes no more than so many of all shares of a port together: in
 * some modes each part is a slot. Primes, so that shares which grow have no common divisor and other slots keep their places.
 */
const PARTS = [
  { parts: 11, most: 256 },
  { parts: 5, most: 512 },
  { parts: 3, most: MAX_ENDPOINTS },
] as const;

const SECONDS = { least: 1, most: 3600 };

/** `30s`, `2m` or `1m30s`, up to an hour; undefined for what cannot be read. */
export function slowStartSeconds(text: string): number | undefined {
  const match = /^(?:(\d{1,2})m)?(?:(\d{1,4})s)?$/.exec(text.trim());
  const seconds = Number(match?.[1] ?? 0) * 60 + Number(match?.[2] ?? 0);
  return seconds < SECONDS.least || seconds > SECONDS.most ? undefined : seconds;
}

/** What the annotation asks for; undefined for what cannot be read. */
export function slowStartFromText(
  text: string | undefined,
  { ports, balance }: Pick<ServiceModel, 'ports' | 'balance'>,
): SlowStart | undefined {
  const seconds = text === undefined ? undefined : slowStartSeconds(text);
  if (seconds === undefined) return undefined;
  const total = Math.max(...ports.map(({ endpoints }) => endpoints.reduce((sum, one) => sum + weightOf(one), 0)), 1);
  const parts = balance === 'source-hash' ? 1 : (PARTS.find((one) => total * one.parts <= one.most)?.parts ?? 1);
  return { seconds, parts, slots: total * parts };
}

/** Why endpoints of a service get their full share at once although it asks for a slow start, in words. */
export function slowStartLimits(services: Iterable<ServiceModel>): string[] {
  const lines: string[] = [];
  for (const service of services) {
    const { slowStart, balance } = service;
    if (slowStart?.parts !== 1) continue;
    const reason =
      balance === 'source-hash'
        ? 'does not go with balance source-hash, which would move clients at each step'
        : `is for at most ${Math.floor(MAX_ENDPOINTS / 3)} endpoints`;
    lines.push(`${titleOf(keyOf(service))}: slow-start ${reason}, so endpoints get their full share at once`);
  }
  return lines;
}

/**
 * Endpoints that have become ready beside others, and how far they are on their way to a full share. A share grows by equal
 * steps; one who stops being ready begins anew. What was ready when a service was seen first has its full share.
 *
 *   share   1/11 ─ 2/11 ─ ... ─ 10/11 ─ 1
 *           └────────── seconds ────────┘
 */
export class SlowStarts {
  /** By service and address: since when it is ready, in ms. Only those without a full share. */
  readonly #since = new Map<string, Map<IpAddress, number>>();
  /** When the share of an endpoint of a service grows next, in ms. */
  readonly #due = new Map<string, number>();

  /** Services in which a share has to grow by now. */
  due(now: number): string[] {
    return [...this.#due].flatMap(([key, at]) => (at <= now ? [key] : []));
  }

  /** When a share has to grow next. */
  get next(): number | undefined {
    return this.#due.size ? Math.min(...this.#due.values()) : undefined;
  }

  forget(key: string): void {
    this.#since.delete(key);
    this.#due.delete(key);
  }

  /** The service with weights as they are now. `before`: as it was the last time, undefined for a new one. */
  weigh(key: string, change: { readonly before: ServiceModel | undefined; readonly after: ServiceModel }, now: number) {
    const { before, after } = change;
    this.#due.delete(key);
    const starting = after.slowStart ? this.#starting(key, { before, after, now }) : undefined;
    if (!after.slowStart || !starting?.size) {
      this.forget(key);
      return after;
    }
    this.#since.set(key, starting);
    const { parts } = after.slowStart;
    const step = (after.slowStart.seconds * 1000) / (parts - 1);
    const partsOf = new Map([...starting].map(([address, since]) => [address, 1 + Math.floor((now - since) / step)]));
    this.#due.set(
      key,
      Math.min(...[...starting].map(([address, since]) => since + step * (partsOf.get(address) ?? 1))),
    );
    return weighed(after, (address) => partsOf.get(address) ?? parts);
  }

  #starting(
    key: string,
    {
      before,
      after,
      now,
    }: { readonly before: ServiceModel | undefined; readonly after: ServiceModel; readonly now: number },
  ): Map<IpAddress, number> {
    const { seconds = 0, parts = 1 } = after.slowStart ?? {};
    const known = readyAddresses(before);
    const starting = new Map<IpAddress, number>();
    if (known.size === 0 || parts === 1) return starting;
    const earlier = this.#since.get(key);
    for (const address of readyAddresses(after)) {
      const since = known.has(address) ? earlier?.get(address) : now;
      if (since !== undefined && now - since < seconds * 1000) starting.set(address, since);
    }
    return starting;
  }
}

function readyAddresses(service: ServiceModel | undefined): Set<IpAddress> {
  const ready = (service?.ports ?? []).flatMap(({ endpoints }) => endpoints.filter((endpoint) => endpoint.ready));
  return new Set(ready.map(({ address }) => address));
}

function weighed(service: ServiceModel, partsOf: (address: IpAddress) => number): ServiceModel {
  const ports = service.ports.map((port) => ({
    ...port,
    endpoints: port.endpoints.map((one) => ({ ...one, weight: weightOf(one) * partsOf(one.address) })),
  }));
  return { ...service, ports };
}
