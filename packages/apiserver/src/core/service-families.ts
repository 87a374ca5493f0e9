import { tryParseIp } from '@podwire/base';
import { equalJson } from '@podwire/kube';
import type { ServiceSpec } from 'kubernetes-types/core/v1.js';
import type { StatusCause } from '../seam.ts';
import { type IpFamily, ipFamilyOf } from './address-range.ts';
import { invalidValue } from './status.ts';

const POLICY = 'spec.ipFamilyPolicy';
const SEVERAL = "must be 'RequireDualStack' or 'PreferDualStack' when multiple";
const RELEASE = "must be 'SingleStack' to release the secondary";

/**
 * Decides which families a Service has and fills in ipFamilies and ipFamilyPolicy. `configured` are the cluster's, the
 * default first. What is wrong comes back; the first kind of fault found ends the search, as in the real server.
 */
export function settleFamilies(
  spec: ServiceSpec,
  old: ServiceSpec | undefined,
  configured: readonly IpFamily[],
): readonly StatusCause[] {
  if (spec.type === 'ExternalName' || keepsPreference(spec, old)) return [];
  spec.ipFamilyPolicy ??= old?.ipFamilyPolicy ?? (isOwnHeadless(spec) ? 'RequireDualStack' : 'SingleStack');
  const causes = [...settleRelease(spec, old), ...refuseSecond(spec), ...inferFamilies(spec, configured)];
  if (causes.length > 0) return causes;
  if (isOwnHeadless(spec)) {
    fillFamilies(spec, configured[0] ?? 'IPv4', ['IPv4', 'IPv6']);
    return [];
  }
  const unknown = refuseUnknown(spec, configured);
  if (unknown.length === 0) fillFamilies(spec, configured[0] ?? 'IPv4', configured);
  return unknown;
}

/** A cluster that becomes dual-stack, or ceases to be, changes no Service that is not changed itself. */
export function keepsPreference(spec: ServiceSpec, old: ServiceSpec | undefined): boolean {
  if (!old || spec.type !== old.type || spec.type === 'ExternalName') return false;
  if (spec.ipFamilyPolicy !== 'PreferDualStack' || old.ipFamilyPolicy !== 'PreferDualStack') return false;
  return equalJson(spec.clusterIPs, old.clusterIPs) && equalJson(spec.ipFamilies, old.ipFamilies);
}

/** Headless with hand-made endpoints, which may be of any family. */
function isOwnHeadless({ clusterIP, selector }: ServiceSpec): boolean {
  return clusterIP === 'None' && Object.keys(selector ?? {}).length === 0;
}

/** SingleStack lets the second address and family go; only it may. */
function settleRelease(spec: ServiceSpec, old: ServiceSpec | undefined): StatusCause[] {
  if (!old) return [];
  const { ipFamilyPolicy, clusterIPs = [], ipFamilies = [] } = spec;
  const reduced = (now: readonly unknown[], before: readonly unknown[] = []) =>
    now.length > 0 && now.length < before.length;
  if (ipFamilyPolicy === 'SingleStack') {
    if (equalJson(clusterIPs, old.clusterIPs)) spec.clusterIPs = clusterIPs.slice(0, 1);
    if (equalJson(ipFamilies, old.ipFamilies)) spec.ipFamilies = ipFamilies.slice(0, 1);
    return [];
  }
  const causes: StatusCause[] = [];
  if (reduced(clusterIPs, old.clusterIPs)) causes.push(invalidValue(POLICY, ipFamilyPolicy, `${RELEASE} cluster IP`));
  if (reduced(ipFamilies, old.ipFamilies)) causes.push(invalidValue(POLICY, ipFamilyPolicy, `${RELEASE} IP family`));
  return causes;
}

function refuseSecond({ ipFamilyPolicy, clusterIPs = [], ipFamilies = [] }: ServiceSpec): StatusCause[] {
  if (ipFamilyPolicy !== 'SingleStack') return [];
  const causes: StatusCause[] = [];
  if (clusterIPs.length > 1) {
    causes.push(invalidValue(POLICY, ipFamilyPolicy, `${SEVERAL} cluster IPs are specified`));
  }
  if (ipFamilies.length > 1) {
    causes.push(invalidValue(POLICY, ipFamilyPolicy, `${SEVERAL} IP families are specified`));
  }
  return causes;
}

/** The family of an address need not be named. */
function inferFamilies(spec: ServiceSpec, configured: readonly IpFamily[]): StatusCause[] {
  const causes: StatusCause[] = [];
  const families = [...(spec.ipFamilies ?? [])];
  for (const [index, text] of (spec.clusterIPs ?? []).entries()) {
    const address = tryParseIp(text);
    if (!address || index < families.length) continue;
    const family = ipFamilyOf(address);
    if (configured.includes(family)) families.push(family);
    else {
      const why = `${family} is not configured on this cluster`;
      causes.push(invalidValue(`spec.clusterIPs[${index}]`, spec.clusterIPs, why));
    }
  }
  spec.ipFamilies = families;
  return causes;
}

function refuseUnknown(
  { ipFamilyPolicy, ipFamilies = [] }: ServiceSpec,
  configured: readonly IpFamily[],
): StatusCause[] {
  const causes: StatusCause[] = [];
  if (ipFamilyPolicy === 'RequireDualStack' && configured.length < 2) {
    causes.push(invalidValue(POLICY, ipFamilyPolicy, 'this cluster is not configured for dual-stack services'));
  }
  for (const [index, family] of ipFamilies.entries()) {
    if (configured.includes(family as IpFamily)) continue;
    causes.push(invalidValue(`spec.ipFamilies[${index}]`, family, 'not configured on this cluster'));
  }
  return causes;
}

function fillFamilies(spec: ServiceSpec, first: IpFamily, available: readonly IpFamily[]): void {
  const families = spec.ipFamilies?.length ? [...spec.ipFamilies] : [first];
  if (spec.ipFamilyPolicy !== 'SingleStack') families.push(...available.filter((family) => !families.includes(family)));
  spec.ipFamilies = families;
}
