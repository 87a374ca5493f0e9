import type { IpAddress, Prefix } from '@podwire/base';
import type { EndpointSlice, Informers, Service } from '@podwire/kube';
import { type DnsService, type DnsSlice, modelService, modelSlice } from './model.ts';
import { planApex, planNamespace, planService, reverseZones, type ZoneRecord } from './plan.ts';
import { Zone } from './zone.ts';

export interface ZoneSettings {
  readonly domain: string;
  /** The address of `ns.dns.<domain>`. */
  readonly dnsAddress?: IpAddress;
  /** Prefixes of Services and pods: reverse names inside them that have no record do not exist. */
  readonly prefixes: readonly Prefix[];
  /** First serial number. Default: seconds since 1970, so that a restart never goes backwards. */
  readonly serial?: number;
}

/** A zone with what does not depend on API objects. */
export function createZone(settings: ZoneSettings): Zone {
  const reverse = [...new Set(settings.prefixes.flatMap(reverseZones))];
  const zone = new Zone({ domain: settings.domain, reverse, serial: settings.serial ?? Math.floor(Date.now() / 1000) });
  zone.replace('zone', planApex(zone.domain, settings.dnsAddress));
  return zone;
}

/**
 * Keeps a zone in step with Services, EndpointSlices and namespaces. Each change plans the one Service it concerns
 * anew; the order in which objects come does not matter.
 */
export class ZoneFeed {
  readonly #zone: Zone;
  readonly #services = new Map<string, DnsService>();
  /** Slices by Service, then by slice name; also of Services not seen yet. */
  readonly #slices = new Map<string, Map<string, DnsSlice>>();

  constructor(zone: Zone) {
    this.#zone = zone;
  }

  get counts(): { readonly services: number; readonly names: number } {
    return { services: this.#services.size, names: this.#zone.size };
  }

  setService(object: Service, present: boolean): void {
    const service = modelService(object);
    if (!service) return;
    const key = `${service.namespace}/${service.name}`;
    if (present) this.#services.set(key, service);
    else this.#services.delete(key);
    this.#plan(key);
  }

  setSlice(object: EndpointSlice, present: boolean): void {
    const { name = '', namespace = '', labels } = object.metadata ?? {};
    const service = labels?.['kubernetes.io/service-name'];
    if (!service) return;
    const key = `${namespace}/${service}`;
    const slices = this.#slices.get(key) ?? new Map<string, DnsSlice>();
    if (present) slices.set(name, modelSlice(object));
    else slices.delete(name);
    if (slices.size > 0) this.#slices.set(key, slices);
    else this.#slices.delete(key);
    if (this.#services.get(key)?.kind === 'headless') this.#plan(key);
  }

  setNamespace(name: string, present: boolean): void {
    this.#zone.replace(`namespace/${name}`, present ? planNamespace(name, this.#zone.domain) : []);
  }

  /** Every source with its records, sorted, for `plan`. */
  entries(): { readonly source: string; readonly records: readonly ZoneRecord[] }[] {
    return [...this.#services.keys()]
      .sort()
      .map((key) => ({ source: `Service ${key}`, records: this.#recordsOf(key) }));
  }

  #plan(key: string): void {
    this.#zone.replace(`service/${key}`, this.#recordsOf(key));
  }

  #recordsOf(key: string): ZoneRecord[] {
    const service = this.#services.get(key);
    return service ? planService(service, [...(this.#slices.get(key)?.values() ?? [])], this.#zone.domain) : [];
  }
}

export interface ZoneWatch {
  readonly feed: ZoneFeed;
  /** Resolves when everything there is has been taken in; the zone is ready from then on. */
  readonly synced: Promise<void>;
  stop(): void;
}

/** Feeds the zone from the informers until stopped. */
export function watchZone(zone: Zone, informers: Informers): ZoneWatch {
  const feed = new ZoneFeed(zone);
  const services = informers.of('Service');
  const slices = informers.of('EndpointSlice');
  const namespaces = informers.of('Namespace');
  const unsubscribe = [
    services.subscribe(({ type, object }) => feed.setService(object, type !== 'deleted')),
    slices.subscribe((event) => {
      // a slice that moved to another Service leaves the old one
      if (event.type === 'modified' && serviceOf(event.previous) !== serviceOf(event.object))
        feed.setSlice(event.previous, false);
      feed.setSlice(event.object, event.type !== 'deleted');
    }),
    namespaces.subscribe(({ type, object }) => feed.setNamespace(object.metadata?.name ?? '', type !== 'deleted')),
  ];
  const synced = Promise.all([services.synced, slices.synced, namespaces.synced]).then(() => {
    zone.ready = true;
  });
  return {
    feed,
    synced,
    stop: () => {
      for (const end of unsubscribe) end();
    },
  };
}

function serviceOf(slice: EndpointSlice): string | undefined {
  return slice.metadata?.labels?.['kubernetes.io/service-name'];
}
