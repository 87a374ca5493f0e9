import { tryParseIp } from '@podwire/base';
import type { Endpoints } from 'kubernetes-types/core/v1.js';
import type { EndpointSlice } from 'kubernetes-types/discovery/v1.js';
import { BAD_IP } from './addresses.ts';
import type { FieldErrors } from './field-errors.ts';
import { dnsLabel, dnsSubdomain, portNumber } from './names.ts';

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
