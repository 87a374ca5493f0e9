import { type IpAddress, tryParseIp } from '@podwire/base';
import { type EventSubject, type KubeClient, recordEvent } from '@podwire/kube';
import type { ServiceSpec } from 'kubernetes-types/core/v1.js';
import type { ApiObject } from '../seam.ts';
import { ipFamilyOf } from './address-range.ts';
import { hasRightLabels, ipAddressOf, isForService, newIpAddress, serviceKeyOf } from './ip-address-objects.ts';
import { addressesOf, portsOf, type ServiceAddresses, specOf } from './service-addresses.ts';
import { keyOf, type Store } from './store.ts';

interface RepairParts {
  readonly store: Store;
  readonly addresses: ServiceAddresses;
  /** Records Events. */
  readonly client: KubeClient;
}

/**
 * Compares Services with IPAddress objects and node ports. A Service without its IPAddress gets it, an IPAddress
 * without its Service goes; what two Services have is reported, since only their owners can say which of them keeps it.
 * Every finding becomes an Event with the real server's reason.
 */
export class AllocationRepair {
  readonly #parts: RepairParts;

  constructor(parts: RepairParts) {
    this.#parts = parts;
  }

  /** Makes the default ServiceCIDR first. What a server wrote that knew no ServiceCIDR is completed without a word. */
  async start(): Promise<readonly string[]> {
    const { store, addresses } = this.#parts;
    const isUpgrade = store.list('ServiceCIDR').length === 0;
    await addresses.cidrs.ensureDefault();
    if (!isUpgrade) return this.run();
    await inspect(store, addresses);
    return [];
  }

  /** Messages of what was found, when the repairs are durable. */
  async run(): Promise<readonly string[]> {
    const { store, addresses, client } = this.#parts;
    const findings = await inspect(store, addresses);
    for (const finding of findings) {
      await recordEvent(client, { ...finding, type: 'Warning', component: 'ipallocator-repair-controller' });
    }
    return findings.map(({ message }) => message);
  }
}

/** What was wrong; reason and message are those of the real server's Events. */
interface Finding {
  readonly object: EventSubject;
  readonly reason: string;
  readonly message: string;
}

/** One synchronous stretch, so that no Service is between its allocation and the store; then waits for the writes. */
async function inspect(store: Store, addresses: ServiceAddresses): Promise<readonly Finding[]> {
  const inspection = new Inspection(store, addresses);
  for (const service of store.latestOf('Service').toSorted(byAge)) inspection.checkService(service);
  for (const object of store.latestOf('IPAddress')) if (isForService(object)) inspection.checkIpAddress(object);
  inspection.checkPorts();
  inspection.checkDefault();
  if (inspection.writes.length > 0) addresses.cidrs.settle();
  await Promise.all(inspection.writes);
  return inspection.findings;
}

/** What two Services have is the older one's. */
function byAge(a: ApiObject, b: ApiObject): number {
  const [one, other] = [a, b].map(({ metadata }) => Date.parse(metadata.creationTimestamp ?? '') || Number.MAX_VALUE);
  return (one ?? 0) - (other ?? 0);
}

class Inspection {
  readonly findings: Finding[] = [];
  readonly writes: Promise<unknown>[] = [];
  readonly #store: Store;
  readonly #addresses: ServiceAddresses;
  readonly #isCovered: (address: IpAddress) => boolean;

  constructor(store: Store, addresses: ServiceAddresses) {
    this.#store = store;
    this.#addresses = addresses;
    this.#isCovered = addresses.cidrs.coverage();
  }

  checkService(service: ApiObject): void {
    for (const text of textsOf(specOf(service))) {
      const address = tryParseIp(text);
      const shown = `[${ipFamilyOf(text)}]: ${text}`;
      if (!address) {
        this.#find(service, 'ClusterIPNotValid', `Cluster IP ${text} is not a valid IP; please recreate Service`);
      } else if (!this.#isCovered(address)) {
        const why = 'is not within any configured Service CIDR; please recreate service';
        this.#find(service, 'ClusterIPOutOfRange', `Cluster IP ${shown} ${why}`);
      } else this.#checkAddress(service, address, shown);
    }
  }

  #checkAddress(service: ApiObject, address: string, shown: string): void {
    const object = this.#store.latest('IPAddress', address);
    if (!object) {
      this.#find(service, 'ClusterIPNotAllocated', `Cluster IP ${shown} is not allocated; repairing`);
      this.#put(newIpAddress(address, service));
      return;
    }
    const owner = serviceKeyOf(object);
    if (owner === keyOf(service)) {
      if (!hasRightLabels(object)) this.#put(ipAddressOf(object, service));
      return;
    }
    const other = owner === undefined ? undefined : this.#store.latest('Service', owner);
    if (other && addressesOf(specOf(other)).includes(address)) {
      const message = `Cluster IP ${shown} was assigned to multiple services; please recreate service`;
      this.#find(service, 'ClusterIPAlreadyAllocated', message);
      return;
    }
    const message = `the ClusterIP ${shown} for Service ${keyOf(service)} has a wrong reference; repairing`;
    this.#find(service, 'ClusterIPNotAllocated', message);
    this.#put(ipAddressOf(object, service));
  }

  checkIpAddress(object: ApiObject): void {
    const { name = '' } = object.metadata;
    const owner = serviceKeyOf(object);
    const service = owner === undefined ? undefined : this.#store.latest('Service', owner);
    if (service && addressesOf(specOf(service)).includes(name)) return;
    if (service) {
      const message = `IPAddress: ${name} for Service ${owner} has a wrong reference; cleaning up`;
      this.#find(object, 'IPAddressWrongReference', message);
    } else if (owner === undefined) {
      const message = `IPAddress ${name} appears to have been modified, not referencing a Service; cleaning up`;
      this.#find(object, 'IPAddressNotAllocated', message);
    } else {
      const message = `IPAddress: ${name} for Service ${owner} appears to have leaked: cleaning up`;
      this.#find(object, 'IPAddressNotAllocated', message);
    }
    this.writes.push(this.#store.remove('IPAddress', object));
  }

  checkDefault(): void {
    const found = this.#addresses.cidrs.inconsistency();
    if (found) this.#find(found.object, 'KubernetesDefaultServiceCIDRInconsistent', found.message);
  }

  checkPorts(): void {
    const { ports } = this.#addresses;
    for (const { port, owners } of ports.doubles()) {
      const message = `Port ${port} was assigned to multiple services; please recreate service`;
      for (const owner of owners) this.#findAt(owner, 'PortAlreadyAllocated', message);
    }
    for (const service of this.#store.latestOf('Service')) {
      for (const port of portsOf(specOf(service)).filter((one) => !ports.contains(one))) {
        const range = `${ports.first}-${ports.last}`;
        const message = `Port ${port} is not within the port range ${range}; please recreate service`;
        this.#find(service, 'PortOutOfRange', message);
      }
    }
  }

  #findAt(key: string, reason: string, message: string): void {
    const service = this.#store.latest('Service', key);
    if (service) this.#find(service, reason, message);
  }

  #find({ apiVersion, kind, metadata }: ApiObject, reason: string, message: string): void {
    const { name = '', namespace, uid } = metadata;
    const place = { ...(namespace === undefined ? {} : { namespace }), ...(uid === undefined ? {} : { uid }) };
    this.findings.push({ object: { apiVersion, kind, name, ...place }, reason, message });
  }

  #put(object: ApiObject): void {
    this.writes.push(this.#store.put('IPAddress', object));
  }
}

/** Cluster addresses as they are written, valid or not. */
function textsOf({ type, clusterIP, clusterIPs = [] }: ServiceSpec): readonly string[] {
  if (type === 'ExternalName') return [];
  const all = clusterIPs.length > 0 ? clusterIPs : clusterIP ? [clusterIP] : [];
  return all.filter((text) => text !== 'None');
}
