import { tryParseIp, tryParsePrefix } from '@podwire/base';
import type { Service, ServiceSpec } from 'kubernetes-types/core/v1.js';

const TOPOLOGY_HINTS = 'service.kubernetes.io/topology-aware-hints';
const TOPOLOGY_MODE = 'service.kubernetes.io/topology-mode';

/** What is accepted but ignored, deprecated or written oddly, in the words of the real server. */
export function serviceWarnings({ metadata, spec }: Service): readonly string[] {
  if (!spec) return [];
  const hints = metadata?.annotations?.[TOPOLOGY_HINTS];
  return [
    ...(hints === undefined ? [] : [`annotation ${TOPOLOGY_HINTS} is deprecated, please use ${TOPOLOGY_MODE} instead`]),
    ...spellings('spec.clusterIPs', spec.clusterIPs),
    ...ignoredFields(spec),
    ...spellings('spec.externalIPs', spec.externalIPs),
    ...(spec.loadBalancerSourceRanges ?? []).flatMap((range, index) => {
      return ambiguity(`spec.loadBalancerSourceRanges[${index}]`, range.trim());
    }),
    ...(spec.trafficDistribution === 'PreferClose'
      ? ['spec.trafficDistribution: "PreferClose" is deprecated; use "PreferSameZone"']
      : []),
  ];
}

function ignoredFields(spec: ServiceSpec): string[] {
  const isHeadless = spec.type === 'ClusterIP' && spec.clusterIP === 'None';
  const isName = spec.type === 'ExternalName';
  const hasExternalIps = Boolean(spec.externalIPs?.length);
  const found: readonly (readonly [boolean, string])[] = [
    [isHeadless && Boolean(spec.loadBalancerIP), 'spec.loadBalancerIP is ignored for headless services'],
    [isHeadless && hasExternalIps, 'spec.externalIPs is ignored for headless services'],
    [isHeadless && spec.sessionAffinity !== 'None', 'spec.SessionAffinity is ignored for headless services'],
    [isName && hasExternalIps, 'spec.externalIPs is ignored when spec.type is "ExternalName"'],
    [!isName && Boolean(spec.externalName), 'spec.externalName is ignored when spec.type is not "ExternalName"'],
    [
      !isHeadless && !isName && hasExternalIps,
      'spec.externalIPs is deprecated and may no longer be implemented in some clusters',
    ],
  ];
  return found.flatMap(([applies, text]) => (applies ? [text] : []));
}

function spellings(field: string, addresses: readonly string[] = []): string[] {
  return addresses.flatMap((text, index) => {
    const address = tryParseIp(text);
    if (!address || address === text) return [];
    const shown = `IPv6 address ${JSON.stringify(text)} should be in RFC 5952 canonical format`;
    return [`${field}[${index}]: ${shown} (${JSON.stringify(address)})`];
  });
}

/** A range with bits after its prefix may be meant as one address. */
function ambiguity(field: string, text: string): string[] {
  const prefix = tryParsePrefix(text);
  const address = tryParseIp(text.slice(0, text.indexOf('/')));
  if (!prefix || !address || prefix.startsWith(`${address}/`)) return [];
  const choice = `should be ${JSON.stringify(prefix)} or ${JSON.stringify(tryParsePrefix(address))}?`;
  return [`${field}: CIDR value ${JSON.stringify(text)} is ambiguous in this context (${choice})`];
}
