import { familyOf, type IpAddress, ipBytes, nthAddress, type Prefix, prefixOf, prefixParts } from '@podwire/base';
import { addressType } from './encode.ts';
import type { RecordData } from './message.ts';
import type { DnsEndpoint, DnsImport, DnsPort, DnsService, DnsSlice } from './model.ts';
import { TYPE } from './numbers.ts';

/** One record the zone holds, or, without data, only the existence of a name. */
export interface ZoneRecord {
  /** Lower case. */
  readonly name: string;
  /** 0 when the name only has to exist. */
  readonly type: number;
  readonly data?: RecordData;
}

const SPEC_VERSION = '1.1.0';
const SET_SPEC_VERSION = '1.0.0';
const SRV_WEIGHT = 100;

/** The records every cluster zone has besides SOA: version, name server and its address. */
export function planApex(domain: string, dnsAddress: IpAddress | undefined): ZoneRecord[] {
  const server = `ns.dns.${domain}`;
  const records: ZoneRecord[] = [
    { name: domain, type: TYPE.NS, data: { kind: 'name', name: server } },
    { name: `dns-version.${domain}`, type: TYPE.TXT, data: { kind: 'text', strings: [SPEC_VERSION] } },
    { name: `svc.${domain}`, type: 0 },
  ];
  return dnsAddress ? [...records, addressRecord(server, dnsAddress)] : records;
}

/** The same of the zone of multi-cluster services. */
export function planSetApex(domain: string, dnsAddress: IpAddress | undefined): ZoneRecord[] {
  const version = `dns-version.${domain}`;
  const records = planApex(domain, dnsAddress).filter(({ name }) => name !== version);
  return [...records, { name: version, type: TYPE.TXT, data: { kind: 'text', strings: [SET_SPEC_VERSION] } }];
}

/** An existing namespace is a name of its own, also without Services (DNS-6). */
export function planNamespace(namespace: string, domain: string): ZoneRecord[] {
  return [{ name: `${namespace}.svc.${domain}`, type: 0 }];
}

/** All records one Service brings (Kubernetes DNS specification 1.1.0, sections 2.3 to 2.5). */
export function planService(service: DnsService, slices: readonly DnsSlice[], domain: string): ZoneRecord[] {
  const name = `${service.name}.${service.namespace}.svc.${domain}`;
  switch (service.kind) {
    case 'external-name': {
      const { externalName } = service;
      return externalName
        ? [{ name, type: TYPE.CNAME, data: { kind: 'name', name: externalName } }]
        : [{ name, type: 0 }];
    }
    case 'headless':
      return planHeadless(service.publishNotReady, slices, name);
    case 'cluster-ip':
      return planAddresses(name, service.clusterIps, service.ports);
  }
}

/**
 * All records one ServiceImport brings (KEP-1645, specification 1.0.0 of multi-cluster DNS). Reverse names lead to clusterset
 * addresses only: an endpoint has one in the zone of its own cluster.
 */
export function planImport(imported: DnsImport, slices: readonly DnsSlice[], setDomain: string): ZoneRecord[] {
  const name = `${imported.name}.${imported.namespace}.svc.${setDomain}`;
  if (!imported.headless) return planAddresses(name, imported.ips, imported.ports);
  return planHeadless(false, slices, name);
}

function planAddresses(name: string, addresses: readonly IpAddress[], ports: readonly DnsPort[]): ZoneRecord[] {
  return [
    { name, type: 0 },
    ...addresses.flatMap((ip) => [addressRecord(name, ip), pointerRecord(ip, name)]),
    ...ports.map((port) => srvRecord(`_${port.name}._${port.protocol}.${name}`, port.port, name)),
  ];
}

function planHeadless(publishNotReady: boolean, slices: readonly DnsSlice[], name: string): ZoneRecord[] {
  return slices.flatMap((slice) =>
    slice.endpoints
      .filter((endpoint) => endpoint.ready || publishNotReady)
      .flatMap((endpoint) => endpoint.addresses.flatMap((address) => planEndpoint(endpoint, address, slice, name))),
  );
}

function planEndpoint(endpoint: DnsEndpoint, address: IpAddress, slice: DnsSlice, service: string): ZoneRecord[] {
  const label = endpoint.hostname ?? address.replace(/[.:]/g, '-').replace(/^-|-$/g, '0');
  const { cluster } = slice;
  const target = cluster === undefined ? `${label}.${service}` : `${label}.${cluster}.${service}`;
  const isNamed = endpoint.hostname !== undefined && cluster === undefined;
  return [
    addressRecord(service, address),
    addressRecord(target, address),
    ...(isNamed ? [pointerRecord(address, target)] : []),
    ...slice.ports.map((port) => srvRecord(`_${port.name}._${port.protocol}.${service}`, port.port, target)),
  ];
}

function addressRecord(name: string, address: IpAddress): ZoneRecord {
  return { name, type: addressType(address), data: { kind: 'address', address } };
}

function pointerRecord(address: IpAddress, target: string): ZoneRecord {
  return { name: reverseName(address), type: TYPE.PTR, data: { kind: 'name', name: target } };
}

function srvRecord(name: string, port: number, target: string): ZoneRecord {
  return { name, type: TYPE.SRV, data: { kind: 'srv', priority: 0, weight: SRV_WEIGHT, port, target } };
}

function reverseLabels(address: IpAddress): string[] {
  const bytes = [...ipBytes(address)];
  return familyOf(address) === 'ipv4'
    ? bytes.map(String)
    : bytes.flatMap((b) => [(b >> 4).toString(16), (b & 15).toString(16)]);
}

/** The name whose PTR record names the address. */
export function reverseName(address: IpAddress): string {
  return `${reverseLabels(address).reverse().join('.')}.${familyOf(address) === 'ipv4' ? 'in-addr' : 'ip6'}.arpa`;
}

/**
 * The reverse zones that together cover a prefix exactly: a /12 is sixteen zones of two labels. Inside them an unknown
 * address does not exist; outside, it is asked upstream.
 */
export function reverseZones(prefix: Prefix): string[] {
  const { address, length, family } = prefixParts(prefix);
  const bits = family === 'ipv4' ? 8 : 4;
  const labels = Math.max(1, Math.ceil(length / bits));
  const total = family === 'ipv4' ? 32 : 128;
  const count = 2 ** (labels * bits - length);
  return Array.from({ length: count }, (_, i) => {
    const first = nthAddress(prefixOf(address, length), BigInt(i) << BigInt(total - labels * bits));
    const suffix = family === 'ipv4' ? 'in-addr.arpa' : 'ip6.arpa';
    return `${reverseLabels(first).slice(0, labels).reverse().join('.')}.${suffix}`;
  });
}

/** A record as in a zone file, without ttl; undefined for a name that only has to exist. */
export function describeRecord({ name, data }: ZoneRecord): string | undefined {
  switch (data?.kind) {
    case 'address':
      return `${name} ${data.address.includes(':') ? 'AAAA' : 'A'} ${data.address}`;
    case 'name':
      return `${name} ${name.endsWith('.arpa') ? 'PTR' : 'CNAME'} ${data.name}`;
    case 'srv':
      return `${name} SRV ${data.priority} ${data.weight} ${data.port} ${data.target}`;
    default:
      return undefined;
  }
}
