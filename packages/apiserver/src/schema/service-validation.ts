import { tryParseIp, tryParsePrefix } from '@podwire/base';
import type { Endpoints, Service, ServicePort, ServiceSpec } from 'kubernetes-types/core/v1.js';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import type { FieldErrors } from './field-errors.ts';
import { validateLabels } from './metadata-validation.ts';
import { dnsLabel, dnsSubdomain, portNumber, portReference } from './names.ts';
import { BAD_IP } from './pod-validation.ts';

export const BAD_CIDR = 'must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)';

/** KEP-4444, KEP-3015. */
const DISTRIBUTIONS = ['PreferClose', 'PreferSameNode', 'PreferSameZone'];

export function validateService({ spec }: Service, errors: FieldErrors): void {
  if (!spec) {
    errors.required('spec.ports');
    return;
  }
  validateLabels(spec.selector, 'spec.selector', errors);
  if (spec.type === 'ExternalName') {
    validateExternalName(spec, errors);
  } else if (!spec.ports?.length && spec.clusterIP !== 'None') {
    errors.required('spec.ports');
  }
  validateServicePorts(spec, errors);
  validateServiceAddresses(spec, errors);
  const timeout = spec.sessionAffinityConfig?.clientIP?.timeoutSeconds;
  if (timeout !== undefined && (timeout <= 0 || timeout > 86400)) {
    const at = 'spec.sessionAffinityConfig.clientIP.timeoutSeconds';
    errors.invalid(at, timeout, 'must be greater than 0 and less than 86400');
  }
  const external = spec.type === 'NodePort' || spec.type === 'LoadBalancer' || (spec.externalIPs?.length ?? 0) > 0;
  if (spec.externalTrafficPolicy && !external) {
    errors.invalid(
      'spec.externalTrafficPolicy',
      spec.externalTrafficPolicy,
      'may only be set for externally-accessible services',
    );
  }
  if (spec.trafficDistribution && !DISTRIBUTIONS.includes(spec.trafficDistribution))
    errors.unsupported('spec.trafficDistribution', spec.trafficDistribution, DISTRIBUTIONS);
}

function validateExternalName({ externalName = '', clusterIP }: ServiceSpec, errors: FieldErrors): void {
  const name = externalName.replace(/\.$/, '');
  if (name === '') errors.required('spec.externalName');
  else errors.invalidEach('spec.externalName', name, dnsSubdomain(name));
  if (clusterIP && clusterIP !== 'None')
    errors.forbidden('spec.clusterIPs[0]', 'may not be set for ExternalName services');
}

function validateServicePorts(spec: ServiceSpec, errors: FieldErrors): void {
  const { ports = [], type = 'ClusterIP' } = spec;
  const names = new Set<string>();
  const pairs = new Set<string>();
  ports.forEach((port, index) => {
    const at = `spec.ports[${index}]`;
    if (!port.name && ports.length > 1) errors.required(`${at}.name`);
    if (port.name) {
      errors.invalidEach(`${at}.name`, port.name, dnsLabel(port.name));
      if (names.has(port.name)) errors.duplicate(`${at}.name`, port.name);
      names.add(port.name);
    }
    validateServicePort(port, at, errors);
    if ((type === 'ClusterIP' || type === 'ExternalName') && port.nodePort) {
      errors.forbidden(`${at}.nodePort`, `may not be used when \`type\` is '${type}'`);
    }
    const pair = `${port.protocol}/${port.port}`;
    if (pairs.has(pair)) errors.duplicate(at, { protocol: port.protocol, port: port.port });
    pairs.add(pair);
  });
}

function validateServicePort({ port, targetPort, nodePort }: ServicePort, at: string, errors: FieldErrors): void {
  errors.invalidEach(`${at}.port`, port ?? 0, portNumber(port ?? 0));
  if (targetPort !== undefined && port !== undefined) {
    errors.invalidEach(`${at}.targetPort`, targetPort, portReference(targetPort));
  }
  if (nodePort) errors.invalidEach(`${at}.nodePort`, nodePort, portNumber(nodePort));
}

function validateServiceAddresses(spec: ServiceSpec, errors: FieldErrors): void {
  const { clusterIPs = [], clusterIP, externalIPs = [], loadBalancerSourceRanges = [], type } = spec;
  const assigned = clusterIPs.length > 0 ? clusterIPs : clusterIP ? [clusterIP] : [];
  assigned.forEach((ip, index) => {
    const at = `spec.clusterIPs[${index}]`;
    if (ip === 'None') {
      if (assigned.length > 1) errors.invalid(at, ip, "'None' must be the first and only value");
      if (type === 'NodePort' || type === 'LoadBalancer') {
        errors.invalid(at, ip, `may not be set to 'None' for ${type} services`);
      }
    } else if (!tryParseIp(ip)) errors.invalid(at, ip, BAD_IP);
  });
  externalIPs.forEach((ip, index) => {
    if (!tryParseIp(ip)) errors.invalid(`spec.externalIPs[${index}]`, ip, BAD_IP);
  });
  loadBalancerSourceRanges.forEach((range, index) => {
    if (!isCidr(range)) errors.invalid(`spec.loadBalancerSourceRanges[${index}]`, range, BAD_CIDR);
  });
}

export function isCidr(text: string): boolean {
  return text.includes('/') && tryParsePrefix(text) !== undefined;
}

export function validateServiceUpdate(next: Service, old: Service, errors: FieldErrors): void {
  const before = old.spec?.clusterIP;
  const after = next.spec?.clusterIP;
  const keeps = next.spec?.type !== 'ExternalName' && old.spec?.type !== 'ExternalName';
  if (keeps && before && after !== before) {
    errors.invalid('spec.clusterIPs[0]', next.spec?.clusterIPs ?? (after ? [after] : null), 'may not change once set');
  }
}

export function validateEndpoints({ subsets = [] }: Endpoints, errors: FieldErrors): void {
  subsets.forEach((subset, index) => {
    const at = `subsets[${index}]`;
    const { addresses = [], notReadyAddresses = [], ports = [] } = subset;
    if (addresses.length + notReadyAddresses.length === 0) {
      errors.required(at, 'must specify `addresses` or `notReadyAddresses`');
    }
    for (const [field, list] of Object.entries({ addresses, notReadyAddresses })) {
      list.forEach(({ ip }, n) => {
        if (ip && !tryParseIp(ip)) errors.invalid(`${at}.${field}[${n}].ip`, ip, BAD_IP);
      });
    }
    ports.forEach((port, n) => {
      if (ports.length > 1 && !port.name) errors.required(`${at}.ports[${n}].name`);
      errors.invalidEach(`${at}.ports[${n}].port`, port.port ?? 0, portNumber(port.port ?? 0));
    });
  });
}

const FAMILY_MESSAGES = { IPv4: 'must be a valid IPv4 address', IPv6: 'must be a valid IPv6 address' } as const;

export function validateEndpointSlice(slice: EndpointSlice, errors: FieldErrors): void {
  const { endpoints = [], addressType, ports } = slice;
  if (endpoints.length > 1000) errors.tooMany('endpoints', endpoints.length, 1000);
  endpoints.forEach(({ addresses = [] }, index) => {
    const at = `endpoints[${index}].addresses`;
    if (addresses.length === 0) errors.required(at, 'must contain at least 1 address');
    if (addresses.length > 100) errors.tooMany(at, addresses.length, 100);
    addresses.forEach((address, n) => {
      if (addressType === 'FQDN') errors.invalidEach(`${at}[${n}]`, address, dnsSubdomain(address));
      if (addressType !== 'IPv4' && addressType !== 'IPv6') return;
      const ip = tryParseIp(address);
      const fits = ip !== undefined && ip.includes(':') === (addressType === 'IPv6');
      if (!fits) errors.invalid(`${at}[${n}]`, address, FAMILY_MESSAGES[addressType]);
    });
  });
  const names = new Set<string>();
  ports?.forEach((port, index) => {
    const name = port.name ?? '';
    if (names.has(name)) errors.duplicate(`ports[${index}].name`, name);
    names.add(name);
    if (name) errors.invalidEach(`ports[${index}].name`, name, dnsLabel(name));
    if (port.port !== undefined) errors.invalidEach(`ports[${index}].port`, port.port, portNumber(port.port));
  });
}
