import { tryParsePrefix } from '@podwire/base';
import { equalJson, type IPAddress, type ServiceCIDR } from '@podwire/kube';
import { canonicalCidr } from './addresses.ts';
import type { FieldErrors } from './field-errors.ts';
import { dnsSubdomain } from './names.ts';

const AT = 'spec.cidrs';
const IMMUTABLE = 'field is immutable';
/** A range of IPv6 may be no larger: addresses are numbered in 64 bits. */
const SHORTEST_IPV6 = 64;

export function validateServiceCidr({ spec }: ServiceCIDR, errors: FieldErrors): void {
  const cidrs = spec?.cidrs ?? [];
  if (cidrs.length === 0) {
    errors.required(AT, 'at least one CIDR required');
    return;
  }
  if (cidrs.length > 2) {
    errors.invalid(AT, cidrs, 'may only hold up to 2 values');
    return;
  }
  cidrs.forEach((cidr, index) => {
    errors.invalidEach(`${AT}[${index}]`, cidr, canonicalCidr(cidr));
    const length = Number(cidr.slice(cidr.indexOf('/') + 1));
    if (cidr.includes(':') && tryParsePrefix(cidr) && length < SHORTEST_IPV6) {
      errors.invalid(`${AT}[${index}]`, cidr, `shortest allowed prefix length for service CIDR is ${SHORTEST_IPV6}`);
    }
  });
  const [first, second] = cidrs;
  if (first && second && first.includes(':') === second.includes(':')) {
    const example = 'i.e 192.168.0.0/24 and 2001:db8::/64';
    errors.invalid(AT, cidrs, `may specify no more than one IP for each IP family, ${example}`);
  }
}

/** Only a second range may be added: a cluster becomes dual-stack. */
export function validateServiceCidrUpdate(next: ServiceCIDR, old: ServiceCIDR, errors: FieldErrors): void {
  const after = next.spec?.cidrs ?? [];
  const before = old.spec?.cidrs ?? [];
  const isExtended = before.length === 1 && after.length === 2;
  if (before.length !== after.length && !isExtended) {
    errors.invalid(AT, after, IMMUTABLE);
    return;
  }
  before.forEach((cidr, index) => {
    if (after[index] !== cidr) errors.invalid(`${AT}[${index}]`, after[index], IMMUTABLE);
  });
}

export function validateIpAddress({ spec }: IPAddress, errors: FieldErrors): void {
  const { group, resource, name, namespace } = spec?.parentRef ?? {};
  if (!spec?.parentRef) errors.required('spec.parentRef');
  const at = 'spec.parentRef';
  if (group) errors.invalidEach(`${at}.group`, group, dnsSubdomain(group));
  for (const [field, value] of Object.entries({ resource, name, namespace })) {
    if (value) errors.invalidEach(`${at}.${field}`, value, pathSegment(value));
  }
}

export function validateIpAddressUpdate(next: IPAddress, old: IPAddress, errors: FieldErrors): void {
  const parent = next.spec?.parentRef;
  if (!equalJson(parent, old.spec?.parentRef)) errors.invalid('spec.parentRef', parent ?? null, IMMUTABLE);
}

/** What can stand between two slashes of a URL. */
function pathSegment(text: string): readonly string[] {
  if (text === '.' || text === '..') return [`may not be '${text}'`];
  return ['/', '%'].filter((sign) => text.includes(sign)).map((sign) => `may not contain '${sign}'`);
}
