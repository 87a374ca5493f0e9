import {
  familyOf,
  type IpAddress,
  ipFromBigInt,
  ipToBigInt,
  type Prefix,
  prefixContains,
  prefixParts,
  prefixSize,
  tryParseIp,
} from '@podwire/base';
import type { ServiceSpec } from 'kubernetes-types/core/v1.js';
import type { ApiObject, StatusCause } from '../seam.ts';
import { invalidValue } from './status.ts';
import { keyOf } from './store.ts';

export interface ServiceRanges {
  /** One per family; the first is the default family. */
  readonly serviceCidrs: readonly Prefix[];
  readonly nodePortRange: readonly [first: number, last: number];
}

/** Addresses and ports picked for a Service; they are taken only by commit. */
export interface Allocation {
  readonly spec: ServiceSpec;
  readonly causes: readonly StatusCause[];
  commit(): void;
}

type Family = 'IPv4' | 'IPv6';
const ipFamily = (address: IpAddress | Prefix): Family => (familyOf(address) === 'ipv4' ? 'IPv4' : 'IPv6');

/** Index of the address that is the cluster's DNS by convention: never picked, only given when asked for. */
const DNS_INDEX = 10n;

/**
 * Who has which cluster address and node port. Addresses nobody asked for come at random from above a lower band kept
 * for explicit ones, and from the band only when the rest is used up (KEP-3070; node ports likewise, KEP-3668).
 */
export class ServiceAddresses {
  readonly #ranges: ServiceRanges;
  readonly #random: () => number;
  readonly #addresses = new Map<string, string>();
  readonly #ports = new Map<number, string>();
  readonly #owned = new Map<string, { readonly addresses: readonly string[]; readonly ports: readonly number[] }>();

  constructor(ranges: ServiceRanges, random: () => number = Math.random) {
    this.#ranges = ranges;
    this.#random = random;
  }

  /** Books what a stored Service has. */
  restore(service: ApiObject): void {
    const spec = (service.spec ?? {}) as ServiceSpec;
    this.#book(keyOf(service), addressesOf(spec), portsOf(spec));
  }

  release(service: ApiObject): void {
    this.#book(keyOf(service), [], []);
  }

  /** Completes the spec of a new or changed Service. */
  allocate(service: ApiObject): Allocation {
    const owner = keyOf(service);
    const spec = structuredClone((service.spec ?? {}) as ServiceSpec);
    const causes: StatusCause[] = [];
    if (spec.type === 'ExternalName') dropAddresses(spec);
    else this.#fillAddresses(spec, owner, causes);
    this.#fillPorts(spec, owner, causes);
    const commit = () => this.#book(owner, addressesOf(spec), portsOf(spec));
    return { spec, causes, commit };
  }

  #book(owner: string, addresses: readonly string[], ports: readonly number[]): void {
    const before = this.#owned.get(owner);
    for (const address of before?.addresses ?? []) this.#addresses.delete(address);
    for (const port of before?.ports ?? []) this.#ports.delete(port);
    for (const address of addresses) this.#addresses.set(address, owner);
    for (const port of ports) this.#ports.set(port, owner);
    if (addresses.length + ports.length > 0) this.#owned.set(owner, { addresses, ports });
    else this.#owned.delete(owner);
  }

  #fillAddresses(spec: ServiceSpec, owner: string, causes: StatusCause[]): void {
    const asked = spec.clusterIPs?.length ? spec.clusterIPs : spec.clusterIP ? [spec.clusterIP] : [];
    const families = this.#families(spec, asked, causes);
    spec.ipFamilies = [...families];
    spec.ipFamilyPolicy ??= families.length > 1 ? 'RequireDualStack' : 'SingleStack';
    if (asked[0] === 'None') {
      spec.clusterIPs = ['None'];
    } else {
      const given = families.map((family, i) => this.#address(family, { asked: asked[i], owner, causes }));
      spec.clusterIPs = given.filter((address) => address !== undefined);
    }
    spec.clusterIP = spec.clusterIPs[0] ?? '';
  }

  #families(spec: ServiceSpec, asked: readonly string[], causes: StatusCause[]): readonly Family[] {
    const configured = this.#ranges.serviceCidrs.map(ipFamily);
    if (spec.ipFamilyPolicy === 'RequireDualStack' && configured.length < 2) {
      const why = 'Cluster is not configured for dual-stack services';
      causes.push(invalidValue('spec.ipFamilyPolicy', spec.ipFamilyPolicy, why));
    }
    for (const family of spec.ipFamilies ?? []) {
      if (configured.includes(family as Family)) continue;
      causes.push(
        invalidValue(`spec.ipFamilies[${spec.ipFamilies?.indexOf(family)}]`, family, 'not configured on this cluster'),
      );
    }
    const byAddress = asked.flatMap((text) => tryParseIp(text) ?? []).map(ipFamily);
    const chosen = ((spec.ipFamilies?.length ? spec.ipFamilies : byAddress) as Family[]).filter((f) =>
      configured.includes(f),
    );
    const dual = spec.ipFamilyPolicy === 'PreferDualStack' || spec.ipFamilyPolicy === 'RequireDualStack';
    const wanted = [...new Set([...chosen, ...(dual || chosen.length === 0 ? configured : [])])];
    return dual ? wanted : wanted.slice(0, Math.max(chosen.length, 1));
  }

  #address(
    family: Family,
    { asked, owner, causes }: { asked: string | undefined; owner: string; causes: StatusCause[] },
  ): string | undefined {
    const range = this.#ranges.serviceCidrs.find((cidr) => ipFamily(cidr) === family);
    if (!range) return undefined;
    if (asked) return this.#asked(asked, { range, owner, causes });
    const picked = this.#pick(range);
    if (!picked) causes.push(invalidValue('spec.clusterIPs', [], `failed to allocate a serviceIP: range is full`));
    return picked;
  }

  #asked(
    text: string,
    { range, owner, causes }: { range: Prefix; owner: string; causes: StatusCause[] },
  ): string | undefined {
    const address = tryParseIp(text);
    const fail = (why: string) => {
      causes.push(invalidValue('spec.clusterIPs', [text], `failed to allocate IP ${text}: ${why}`));
      return undefined;
    };
    // What is no address at all is reported by the validation of the fields.
    if (!address) return undefined;
    const by = this.#addresses.get(address);
    if (by === owner) return address;
    if (!prefixContains(range, address)) {
      return fail(`the provided IP (${text}) is not in the valid range. The range of valid IPs is ${range}`);
    }
    return by === undefined ? address : fail('provided IP is already allocated');
  }

  #pick(range: Prefix): string | undefined {
    const { address, family } = prefixParts(range);
    const base = ipToBigInt(address);
    // Without the network and, in IPv4, the broadcast address; of large ranges only the start is used, as KEP-1880.
    const size = minimum(prefixSize(range), 1n << 20n) - (family === 'ipv4' ? 1n : 0n);
    const band = minimum(maximum(16n, size / 16n), 256n);
    const free = (index: bigint) => {
      const candidate = ipFromBigInt(base + index, family);
      return index !== DNS_INDEX && !this.#addresses.has(candidate) ? candidate : undefined;
    };
    const [upper, lower] =
      size > band
        ? [
            [band, size],
            [1n, band],
          ]
        : [
            [1n, size],
            [1n, 1n],
          ];
    return this.#scan(upper as [bigint, bigint], free) ?? this.#scan(lower as [bigint, bigint], free);
  }

  /** The first free one from a random start, around the end. */
  #scan<T>([from, to]: readonly [bigint, bigint], free: (index: bigint) => T | undefined): T | undefined {
    const count = to - from;
    if (count <= 0n) return undefined;
    const start = BigInt(Math.floor(this.#random() * Number(count)));
    for (let n = 0n; n < count; n++) {
      const found = free(from + ((start + n) % count));
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #fillPorts(spec: ServiceSpec, owner: string, causes: StatusCause[]): void {
    const own = new Set<number>();
    const balanced = spec.type === 'LoadBalancer';
    const wanted = spec.type === 'NodePort' || (balanced && spec.allocateLoadBalancerNodePorts !== false);
    // Explicit ports first, so that a picked one does not take them.
    for (const [i, port] of (spec.ports ?? []).entries()) {
      if (spec.type !== 'NodePort' && !balanced) delete port.nodePort;
      else if (port.nodePort)
        this.#askedPort(port.nodePort, { field: `spec.ports[${i}].nodePort`, owner, own, causes });
    }
    for (const [i, port] of (spec.ports ?? []).entries()) {
      if (wanted && !port.nodePort) {
        const sibling = spec.ports?.find(
          (p) => p.port === port.port && p.protocol !== port.protocol && p.nodePort,
        )?.nodePort;
        const picked = sibling ?? this.#pickPort(own, { field: `spec.ports[${i}].nodePort`, causes });
        if (picked !== undefined) port.nodePort = picked;
      }
    }
    if (balanced && spec.externalTrafficPolicy === 'Local') {
      const field = 'spec.healthCheckNodePort';
      if (spec.healthCheckNodePort) this.#askedPort(spec.healthCheckNodePort, { field, owner, own, causes });
      else spec.healthCheckNodePort = this.#pickPort(own, { field, causes }) ?? 0;
    } else delete spec.healthCheckNodePort;
  }

  #askedPort(port: number, at: { field: string; owner: string; own: Set<number>; causes: StatusCause[] }): void {
    const [first, last] = this.#ranges.nodePortRange;
    const by = this.#ports.get(port);
    if (port < first || port > last) {
      const why = `provided port is not in the valid range. The range of valid ports is ${first}-${last}`;
      if (by !== at.owner) at.causes.push(invalidValue(at.field, port, why));
    } else if (by !== undefined && by !== at.owner) {
      at.causes.push(invalidValue(at.field, port, 'provided port is already allocated'));
    }
    at.own.add(port);
  }

  #pickPort(own: Set<number>, { field, causes }: { field: string; causes: StatusCause[] }): number | undefined {
    const [first, last] = this.#ranges.nodePortRange;
    const size = last - first + 1;
    const band = size < 16 ? 0 : Math.min(Math.max(16, Math.floor(size / 32)), 128);
    const free = (index: bigint) => {
      const port = first + Number(index);
      return this.#ports.has(port) || own.has(port) ? undefined : port;
    };
    const upper = [BigInt(band), BigInt(size)] as const;
    const picked = this.#scan(upper, free) ?? this.#scan([0n, BigInt(band)], free);
    if (picked === undefined) causes.push(invalidValue(field, 0, 'failed to allocate a nodePort: range is full'));
    else own.add(picked);
    return picked;
  }
}

const minimum = (a: bigint, b: bigint) => (a < b ? a : b);
const maximum = (a: bigint, b: bigint) => (a > b ? a : b);

function addressesOf(spec: ServiceSpec): string[] {
  const all = spec.clusterIPs?.length ? spec.clusterIPs : spec.clusterIP ? [spec.clusterIP] : [];
  return all.filter((address) => address !== 'None' && address !== '');
}

function portsOf(spec: ServiceSpec): number[] {
  return [...(spec.ports ?? []).map((port) => port.nodePort), spec.healthCheckNodePort].filter((port) =>
    Boolean(port),
  ) as number[];
}

function dropAddresses(spec: ServiceSpec): void {
  delete spec.clusterIP;
  delete spec.clusterIPs;
  delete spec.ipFamilies;
  delete spec.ipFamilyPolicy;
}

/** What a changed Service does not say again it keeps, as long as its type still has it. */
export function keepAllocated(next: ServiceSpec, old: ServiceSpec): void {
  if (next.type === 'ExternalName' || old.type === 'ExternalName') {
    // An address that came along from the old type is not the user's wish.
    if (next.type === 'ExternalName' && next.clusterIP === old.clusterIP) dropAddresses(next);
    return;
  }
  if (!next.clusterIP && !next.clusterIPs?.length) {
    if (old.clusterIP) next.clusterIP = old.clusterIP;
    if (old.clusterIPs) next.clusterIPs = [...old.clusterIPs];
  } else if (next.clusterIP && next.clusterIP === old.clusterIP && !next.clusterIPs?.length && old.clusterIPs) {
    next.clusterIPs = [...old.clusterIPs];
  }
  if (!next.ipFamilies?.length && old.ipFamilies) next.ipFamilies = [...old.ipFamilies];
  if (!next.ipFamilyPolicy && old.ipFamilyPolicy) next.ipFamilyPolicy = old.ipFamilyPolicy;
  if (next.type !== 'LoadBalancer' && old.type === 'LoadBalancer') {
    if (next.allocateLoadBalancerNodePorts === old.allocateLoadBalancerNodePorts)
      delete next.allocateLoadBalancerNodePorts;
    if (next.loadBalancerClass === old.loadBalancerClass) delete next.loadBalancerClass;
    if (next.healthCheckNodePort === old.healthCheckNodePort) delete next.healthCheckNodePort;
  }
  const hasPorts = (type: string | undefined) => type === 'NodePort' || type === 'LoadBalancer';
  if (!hasPorts(next.type)) {
    // A port that only the old type had must not be held against the new one.
    if (hasPorts(old.type) && next.externalTrafficPolicy === old.externalTrafficPolicy && !next.externalIPs?.length) {
      delete next.externalTrafficPolicy;
    }
    for (const port of next.ports ?? []) if (old.ports?.some((p) => p.nodePort === port.nodePort)) delete port.nodePort;
    return;
  }
  for (const port of next.ports ?? []) {
    const same = old.ports?.find((p) => p.port === port.port && (p.protocol ?? 'TCP') === (port.protocol ?? 'TCP'));
    if (!port.nodePort && same?.nodePort) port.nodePort = same.nodePort;
  }
  if (!next.healthCheckNodePort && old.healthCheckNodePort && next.type === 'LoadBalancer') {
    next.healthCheckNodePort = old.healthCheckNodePort;
  }
}
