import { tryParseIp } from '@podwire/base';
import type { ServiceSpec } from 'kubernetes-types/core/v1.js';
import { ipAddress } from './addresses.ts';
import type { FieldErrors } from './field-errors.ts';

const AT = 'spec.clusterIPs';
const FAMILIES = ['IPv4', 'IPv6'];

/** clusterIP, clusterIPs and ipFamilies by themselves and against each other; nothing here knows the cluster. */
export function validateClusterAddresses(spec: ServiceSpec, errors: FieldErrors): void {
  const { type, clusterIP = '', clusterIPs = [] } = spec;
  const [first] = clusterIPs;
  if (clusterIP !== '' && first !== clusterIP) {
    if (first === undefined) errors.required(AT);
    else errors.invalid(AT, clusterIPs, 'first value must match `clusterIP`');
  }
  if (clusterIP === '' && first !== undefined) {
    errors.invalid(AT, clusterIPs, 'must be empty when `clusterIP` is not specified');
  }
  if (isHeadless(spec) && (type === 'NodePort' || type === 'LoadBalancer')) {
    errors.invalid(`${AT}[0]`, first, `may not be set to 'None' for ${type} services`);
  }
  validateFamilies(spec, errors);
  if (validateAddresses(clusterIPs, errors)) validateAddressFamilies(spec, errors);
}

export function isHeadless({ clusterIPs = [] }: ServiceSpec): boolean {
  return clusterIPs.length === 1 && clusterIPs[0] === 'None';
}

function validateFamilies({ ipFamilies = [] }: ServiceSpec, errors: FieldErrors): void {
  ipFamilies.forEach((family, index) => {
    if (!FAMILIES.includes(family)) errors.unsupported(`spec.ipFamilies[${index}]`, family, FAMILIES);
    if (ipFamilies.indexOf(family) < index) errors.duplicate(`spec.ipFamilies[${index}]`, family);
  });
}

/** Whether each is an address. */
function validateAddresses(clusterIPs: readonly string[], errors: FieldErrors): boolean {
  let valid = true;
  clusterIPs.forEach((ip, index) => {
    if (ip === 'None' && index === 0) {
      if (clusterIPs.length === 1) return;
      errors.invalid(AT, clusterIPs, "'None' must be the first and only value");
      valid = false;
      return;
    }
    const wrong = ipAddress(ip);
    errors.invalidEach(`${AT}[${index}]`, ip, wrong);
    valid &&= wrong.length === 0;
  });
  if (clusterIPs.length > 2) errors.invalid(AT, clusterIPs, 'may only hold up to 2 values');
  return valid;
}

function validateAddressFamilies(spec: ServiceSpec, errors: FieldErrors): void {
  const { clusterIPs = [], ipFamilies = [] } = spec;
  if (isHeadless(spec)) return;
  const families = clusterIPs.map((ip) => (tryParseIp(ip)?.includes(':') ? 'IPv6' : 'IPv4'));
  if (families.length > 1 && new Set(families).size !== families.length) {
    errors.invalid(AT, clusterIPs, 'may specify no more than one IP for each IP family');
  }
  families.forEach((family, index) => {
    const asked = ipFamilies[index];
    if (asked === undefined || asked === family) return;
    const why = `expected an ${asked} value as indicated by \`ipFamilies[${index}]\``;
    errors.invalid(`${AT}[${index}]`, clusterIPs[index], why);
  });
}
