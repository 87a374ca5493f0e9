import { atMost, type IpAddress, type Prefix } from '@podwire/base';
import { type EndpointSlice, IMPORT_NAME_LABEL, type Informers, type Service, type ServiceImport } from '@podwire/kube';
import { type DnsImport, type DnsService, type DnsSlice, modelImport, modelService, modelSlice } from './model.ts';
import {
  planApex,
  planImport,
  planNamespace,
  planService,
  planSetApex,
  reverseZones,
  type ZoneRecord,
} from './plan.ts';
import { Zone } from './zone.ts';

export interface ZoneSettings {
  readonly domain: string;
  /** The domain of multi-cluster services; absent: their names are none of this zone's. */
  readonly setDomain?: string;
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
  const { domain, setDomain, dnsAddress, serial = Math.floor(Date.now() / 1000) } = settings;
  const zone = new Zone({ domain, ...(setDomain !== undefined && { setDomain }), reverse, serial });
  zone.replace('zone', planApex(zone.domain, dnsAddress));
  if (zone.setDomain !== undefined) zone.replace('set', planSetApex(zone.setDomain, dnsAddress));
  return zone;
}

/**
 * Keeps a zone in step with Services, ServiceImports, EndpointSlices and namespaces. Each change plans the one object it
 * concerns anew; the order in which objects come does not matter.
 */
export class ZoneFeed {
  readonly #zone: Zone;
  readonly #services = new Map<string, DnsService>();
  readonly #imports = new Map<string, DnsImport>();
  /** Slices by owner, then by slice name; also of owners not seen yet. */
  readonly #slices = new Map<string, Map<string, DnsSlice>>();

  constructor(zone: Zone) {
    this.#zone = zone;
  }

  get counts(): { readonly services: number; readonly imports: number; readonly names: number } {
    return { services: this.#services.size, imports: this.#imports.size, names: this.#zone.size };
  }

  setService(object: Service, present: boolean): void {
    const service = modelService(object);
    if (service) this.#set(this.#services, service, `Service ${service.namespace}/${service.name}`, present);
  }

  setImport(object: ServiceImport, present: boolean): void {
    const found = modelImport(object);
    if (found) this.#set(this.#imports, found, `ServiceImport ${found.namespace}/${found.name}`, present);
  }

  setSlice(object: EndpointSlice, present: boolean): void {
    const { name = '' } = object.metadata ?? {};
    for (const owner of ownersOf(object)) {
      const slices = this.#slices.get(owner) ?? new Map<string, DnsSlice>();
      if (present) slices.set(name, modelSlice(object));
      else slices.delete(name);
      if (slices.size > 0) this.#slices.set(owner, slices);
      else this.#slices.delete(owner);
      if (this.#services.get(owner)?.kind === 'headless' || this.#imports.get(owner)?.headless) this.#plan(owner);
    }
  }

  setNamespace(name: string, present: boolean): void {
    this.#zone.replace(`namespace/${name}`, present ? planNamespace(name, this.#zone.domain) : []);
  }

  /** Every source with its records, sorted, for `plan`. */
  entries(): { readonly source: string; readonly records: readonly ZoneRecord[] }[] {
    return [...this.#services.keys(), ...this.#imports.keys()]
      .sort()
      .map((source) => ({ source, records: this.#recordsOf(source) }));
  }

  #set<T>(objects: Map<string, T>, object: T, source: string, present: boolean): void {
    if (present) objects.set(source, object);
    else objects.delete(source);
    this.#plan(source);
  }

  #plan(source: string): void {
    this.#zone.replace(source, this.#recordsOf(source));
  }

  #recordsOf(source: string): ZoneRecord[] {
    const { domain, setDomain } = this.#zone;
    const slices = [...(this.#slices.get(source)?.values() ?? [])];
    const [service, imported] = [this.#services.get(source), this.#imports.get(source)];
    if (service) return planService(service, slices, domain);
    return imported && setDomain !== undefined ? planImport(imported, slices, setDomain) : [];
  }
}

export interface ZoneWatch {
  readonly feed: ZoneFeed;
  /** Resolves when everything there is has been taken in; the zone is ready from then on. */
  readonly synced: Promise<void>;
  stop(): void;
}

/** Names of the cluster do not wait any longer for ServiceImports of a server that cannot list them, in ms. */
const PATIENCE = 5000;

/** Feeds the zone from the informers until stopped. */
export function watchZone(zone: Zone, informers: Informers): ZoneWatch {
  const feed = new ZoneFeed(zone);
  const services = informers.of('Service');
  const imports = informers.of('ServiceImport');
  const slices = informers.of('EndpointSlice');
  const namespaces = informers.of('Namespace');
  const unsubscribe = [
    services.subscribe(({ type, object }) => feed.setService(object, type !== 'deleted')),
    imports.subscribe(({ type, object }) => feed.setImport(object, type !== 'deleted')),
    slices.subscribe((event) => {
      // a slice that moved to another Service leaves the old one
      if (event.type === 'modified' && ownersOf(event.previous).join() !== ownersOf(event.object).join())
        feed.setSlice(event.previous, false);
      feed.setSlice(event.object, event.type !== 'deleted');
    }),
    namespaces.subscribe(({ type, object }) => feed.setNamespace(object.metadata?.name ?? '', type !== 'deleted')),
  ];
  const all = [services.synced, slices.synced, namespaces.synced, atMost(PATIENCE, imports.settled)];
  const synced = Promise.all(all).then(() => {
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

/** Sources of the zone that the endpoints of a slice are of. */
function ownersOf({ metadata }: EndpointSlice): string[] {
  const { namespace = '', labels } = metadata ?? {};
  const [service, imported] = [labels?.['kubernetes.io/service-name'], labels?.[IMPORT_NAME_LABEL]];
  return [
    ...(service ? [`Service ${namespace}/${service}`] : []),
    ...(imported ? [`ServiceImport ${namespace}/${imported}`] : []),
  ];
}
