import { type IpAddress, nthAddress, type Prefix, tryParseIp } from '@podwire/base';
import type { ServicePort, ServiceSpec } from 'kubernetes-types/core/v1.js';
import { needsHealthCheck } from '../schema/service-validation.ts';
import type { ApiObject, StatusCause } from '../seam.ts';
import type { IpFamily } from './address-range.ts';
import { AllocationHolds } from './allocation-holds.ts';
import { isForService, newIpAddress, serviceKeyOf } from './ip-address-objects.ts';
import { NodePorts } from './node-ports.ts';
import { ServiceCidrs } from './service-cidrs.ts';
import { keepsPreference, settleFamilies } from './service-families.ts';
import { internalError, invalidValue } from './status.ts';
import { keyOf, type Store } from './store.ts';

export interface ServiceAddressOptions {
  readonly store: Store;
  /** One per family; the first is the default family. */
  readonly serviceCidrs: readonly Prefix[];
  readonly nodePortRange: readonly [first: number, last: number];
  /** In [0, 1). Default Math.random. */
  readonly random?: () => number;
}

/** Addresses and ports picked for a Service; they are taken only by commit. */
export interface Allocation {
  readonly spec: ServiceSpec;
  readonly causes: readonly StatusCause[];
  /** Keeps them from others, until the function that is returned is called. */
  hold(): () => void;
  /** Writes the IPAddress objects; the Service must be stored in the same synchronous stretch. */
  commit(): void;
}

/** Index of the address that is the cluster's DNS by convention: never picked, only given when asked for. */
const DNS_INDEX = 10;

/**
 * Gives Services their addresses and node ports.
 *
 *     ServiceCIDR ──ranges──▶ pick, or check what is asked for ──▶ IPAddress (one per address: taken is what has one)
 *     Services in the store ─────────────────────────────────────▶ NodePorts (in memory)
 *
 * An IPAddress and its Service are staged together and reach the log in one write, the IPAddress first: what a crash
 * can leave behind is an IPAddress without a Service, which `repairAllocations` removes.
 */
export class ServiceAddresses {
  readonly cidrs: ServiceCidrs;
  readonly ports: NodePorts;
  readonly #store: Store;
  readonly #random: () => number;
  readonly #reserved: ReadonlySet<string>;
  readonly #holds: AllocationHolds;

  constructor({ store, serviceCidrs, nodePortRange, random = Math.random }: ServiceAddressOptions) {
    this.ports = new NodePorts(nodePortRange, random);
    this.#store = store;
    this.#random = random;
    this.#holds = new AllocationHolds(this.ports);
    this.cidrs = new ServiceCidrs(store, serviceCidrs, () => this.#holds.addresses);
    this.#reserved = new Set(serviceCidrs.map((prefix) => nthAddress(prefix, DNS_INDEX)));
    this.#bookPorts();
    store.onRefusal(() => this.#bookPorts());
  }

  /** Forgets what was booked for Services that are not in the store. */
  #bookPorts(): void {
    this.ports.clear();
    for (const service of this.#store.list('Service')) this.ports.book(keyOf(service), portsOf(specOf(service)));
    this.#holds.book();
  }

  /** Completes the spec of a new or changed Service. Throws 500 when a range is full. */
  allocate(service: ApiObject, old?: ApiObject): Allocation {
    const spec = structuredClone(specOf(service));
    const before = old && specOf(old);
    const causes = [...settleFamilies(spec, before, this.cidrs.families)];
    if (causes.length === 0) {
      if (!keepsPreference(spec, before)) causes.push(...this.#fillAddresses(spec, service));
      causes.push(...this.#fillPorts(spec, keyOf(service)));
    }
    return {
      spec,
      causes,
      hold: () => this.#hold(spec, before),
      commit: () => this.#take({ ...service, spec }, before),
    };
  }

  /** Whether an address that is no object yet is about to be one. */
  isHeld(address: string): boolean {
    return this.#holds.has(address);
  }

  #hold(spec: ServiceSpec, before: ServiceSpec | undefined): () => void {
    const [addresses, ports] = [before ? addressesOf(before) : [], before ? portsOf(before) : []];
    const release = this.#holds.add({
      addresses: addressesOf(spec).filter((address) => !addresses.includes(address)),
      ports: portsOf(spec).filter((port) => !ports.includes(port)),
    });
    return () => {
      release();
      // A range that is being deleted may have been kept for it.
      this.cidrs.settle();
    };
  }

  /** What a Service that is gone had. */
  release(service: ApiObject): void {
    this.ports.book(keyOf(service), []);
    for (const address of addressesOf(specOf(service))) this.#free(address, service);
  }

  /** An IPAddress that somebody removed while a Service has the address comes back at once. */
  restore(ipAddress: ApiObject): void {
    const owner = serviceKeyOf(ipAddress);
    const service = owner === undefined ? undefined : this.#store.latest('Service', owner);
    const { name = '' } = ipAddress.metadata;
    const isUsed = service && isForService(ipAddress) && addressesOf(specOf(service)).includes(name);
    if (isUsed) this.#store.put('IPAddress', newIpAddress(name, service)).catch(ignore);
  }

  #take(service: ApiObject, before: ServiceSpec | undefined): void {
    const spec = specOf(service);
    this.ports.book(keyOf(service), portsOf(spec));
    const addresses = addressesOf(spec);
    for (const address of addresses) {
      if (!this.#store.latest('IPAddress', address))
        this.#store.put('IPAddress', newIpAddress(address, service)).catch(ignore);
    }
    const released = before ? addressesOf(before).filter((address) => !addresses.includes(address)) : [];
    for (const address of released) this.#free(address, service);
  }

  #free(address: string, service: ApiObject): void {
    const object = this.#store.latest('IPAddress', address);
    // Of two Services with one address, which only damage can bring about, one still has it.
    if (object && serviceKeyOf(object) === keyOf(service)) this.#store.remove('IPAddress', object).catch(ignore);
  }

  #isTaken(address: string): boolean {
    return this.#store.latest('IPAddress', address) !== undefined || this.isHeld(address);
  }

  #fillAddresses(spec: ServiceSpec, service: ApiObject): StatusCause[] {
    if (spec.type === 'ExternalName') return [];
    const asked = spec.clusterIPs ?? [];
    const causes: StatusCause[] = [];
    if (asked[0] !== 'None') {
      spec.clusterIPs = (spec.ipFamilies ?? []).map((family, index) => {
        const text = asked[index];
        if (text === undefined) return this.#pick(family as IpFamily);
        const why = this.#refusal(text, family as IpFamily, keyOf(service));
        if (why) causes.push(invalidValue('spec.clusterIPs', asked, `failed to allocate IP ${text}: ${why}`));
        return text;
      });
    }
    spec.clusterIP = spec.clusterIPs?.[0] ?? '';
    return causes;
  }

  #pick(family: IpFamily): string {
    const isFree = (address: IpAddress) => !this.#isTaken(address) && !this.#reserved.has(address);
    for (const range of this.cidrs.ranges(family)) {
      const address = range.pick(this.#random, isFree);
      if (address) return address;
    }
    throw internalError('failed to allocate a serviceIP: range is full');
  }

  /** Why a Service cannot have an address it asks for, in the words of the real server. */
  #refusal(text: string, family: IpFamily, owner: string): string | undefined {
    const address = tryParseIp(text);
    // What is no address at all is reported by the validation of the fields.
    if (!address) return undefined;
    const object = this.#store.latest('IPAddress', address);
    if (object && serviceKeyOf(object) === owner) return undefined;
    const ranges = this.cidrs.ranges(family);
    if (!ranges.some((range) => range.contains(address))) {
      const valid = ranges.map(({ prefix }) => prefix).join(', ');
      return `the provided IP (${text}) is not in the valid range. The range of valid IPs is ${valid}`;
    }
    return object || this.isHeld(address) ? 'provided IP is already allocated' : undefined;
  }

  #fillPorts(spec: ServiceSpec, owner: string): StatusCause[] {
    const { type, ports = [], allocateLoadBalancerNodePorts } = spec;
    const isBalanced = type === 'LoadBalancer';
    const own = new Set<number>();
    const causes: StatusCause[] = [];
    if (type === 'NodePort' || isBalanced) {
      // Explicit ports first, so that a picked one does not take them.
      for (const [index, { nodePort }] of ports.entries()) {
        const why = nodePort ? this.ports.refusal(nodePort, owner) : undefined;
        if (why) causes.push(invalidValue(`spec.ports[${index}].nodePort`, nodePort, why));
        if (nodePort) own.add(nodePort);
      }
      if (causes.length > 0) return causes;
      if (!isBalanced || allocateLoadBalancerNodePorts !== false) this.#pickPorts(ports, own);
    }
    if (needsHealthCheck(spec)) this.#fillHealthCheckPort(spec, owner, own);
    return causes;
  }

  /** One port number on two protocols gets one node port. */
  #pickPorts(ports: readonly ServicePort[], own: Set<number>): void {
    for (const port of ports) {
      if (port.nodePort) continue;
      const nodePort = siblingPort(port, ports) ?? this.ports.pick(own);
      if (nodePort === undefined) throw internalError('failed to allocate a nodePort: range is full');
      port.nodePort = nodePort;
      own.add(nodePort);
    }
  }

  #fillHealthCheckPort(spec: ServiceSpec, owner: string, own: ReadonlySet<number>): void {
    const { healthCheckNodePort: asked } = spec;
    if (asked) {
      const why = own.has(asked) ? 'provided port is already allocated' : this.ports.refusal(asked, owner);
      if (why) throw internalError(`failed to allocate requested HealthCheck NodePort ${asked}: ${why}`);
      return;
    }
    const picked = this.ports.pick(own);
    if (picked === undefined) throw internalError('failed to allocate a HealthCheck NodePort 0: range is full');
    spec.healthCheckNodePort = picked;
  }
}

function siblingPort(port: ServicePort, ports: readonly ServicePort[]): number | undefined {
  const isUsed = (number: number) => ports.some((p) => p.nodePort === number && p.protocol === port.protocol);
  const siblings = ports.filter((other) => other.port === port.port && other.protocol !== port.protocol);
  return siblings.flatMap(({ nodePort }) => nodePort || []).find((number) => !isUsed(number));
}

export function specOf({ spec }: ApiObject): ServiceSpec {
  return (spec ?? {}) as ServiceSpec;
}

/** The cluster addresses of a Service, in canonical form. */
export function addressesOf({ type, clusterIP, clusterIPs }: ServiceSpec): string[] {
  if (type === 'ExternalName') return [];
  const all = clusterIPs?.length ? clusterIPs : clusterIP ? [clusterIP] : [];
  return all.flatMap((text) => tryParseIp(text) ?? []);
}

/** The node ports of a Service, each once: it may have one on several protocols. */
export function portsOf({ type, ports = [], healthCheckNodePort }: ServiceSpec): number[] {
  if (type !== 'NodePort' && type !== 'LoadBalancer') return [];
  const all = [...ports.map(({ nodePort }) => nodePort), healthCheckNodePort];
  return [...new Set(all.filter((port) => port !== undefined && port > 0))] as number[];
}

/** The server refuses all writes once one has failed, and says so to the writer of the Service. */
function ignore(): void {}
