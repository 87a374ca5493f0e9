import { tryParseIp } from '@podwire/base';
import type { LoadBalancerIngress, Service, ServicePort, ServiceSpec } from 'kubernetes-types/core/v1.js';
import type { ObjectMeta } from 'kubernetes-types/meta/v1.js';
import { cidr, ipAddress, reachableIp } from './addresses.ts';
import type { FieldErrors } from './field-errors.ts';
import { validateLabels } from './metadata-validation.ts';
import { dnsLabel, dnsSubdomain, portNumber, portReference, qualifiedName } from './names.ts';
import { validateClusterAddresses } from './service-address-validation.ts';

/** KEP-4444, KEP-3015. */
const DISTRIBUTIONS = ['PreferClose', 'PreferSameNode', 'PreferSameZone'];
const ONLY_LOAD_BALANCER = "may only be used when `type` is 'LoadBalancer'";
const SOURCE_RANGES = 'service.beta.kubernetes.io/load-balancer-source-ranges';
const TOPOLOGY_HINTS = 'service.kubernetes.io/topology-aware-hints';
const TOPOLOGY_MODE = 'service.kubernetes.io/topology-mode';
const LONGEST_AFFINITY = 86_400;

export function validateService(service: Service, errors: FieldErrors): void {
  const { spec, metadata, status } = service;
  if (!spec) {
    errors.required('spec.ports');
    return;
  }
  validateAnnotations(metadata?.annotations ?? {}, spec, errors);
  validateLabels(spec.selector, 'spec.selector', errors);
  if (spec.type === 'ExternalName') validateExternalName(spec, errors);
  else if (!spec.ports?.length && spec.clusterIP !== 'None') errors.required('spec.ports');
  validatePorts(spec, errors);
  if (spec.type !== 'ExternalName') validateClusterAddresses(spec, errors);
  spec.externalIPs?.forEach((ip, index) => {
    errors.invalidEach(`spec.externalIPs[${index}]`, ip, [...ipAddress(ip), ...reachableIp(ip)]);
  });
  validateAffinity(spec, errors);
  validateTrafficPolicies(spec, errors);
  validateLoadBalancer(spec, errors);
  validateLoadBalancerStatus(spec, status?.loadBalancer?.ingress ?? [], errors);
}

function validateAnnotations(
  annotations: NonNullable<ObjectMeta['annotations']>,
  spec: ServiceSpec,
  errors: FieldErrors,
): void {
  const { [TOPOLOGY_HINTS]: hints, [TOPOLOGY_MODE]: mode, [SOURCE_RANGES]: ranges } = annotations;
  if (hints !== undefined && mode !== undefined && hints !== mode) {
    const why = `must match annotations[${TOPOLOGY_HINTS}] when both are specified`;
    errors.invalid(`metadata.annotations[${TOPOLOGY_MODE}]`, mode, why);
  }
  if (ranges === undefined || spec.loadBalancerSourceRanges?.length) return;
  const at = `metadata.annotations[${SOURCE_RANGES}]`;
  if (spec.type !== 'LoadBalancer') errors.forbidden(at, ONLY_LOAD_BALANCER);
  for (const range of ranges.trim() === '' ? [] : ranges.split(',')) {
    errors.invalidEach(at, range.trim(), cidr(range.trim()));
  }
}

function validateExternalName(spec: ServiceSpec, errors: FieldErrors): void {
  const { externalName = '', clusterIP, clusterIPs, ipFamilies, ipFamilyPolicy } = spec;
  const notSet = 'may not be set for ExternalName services';
  if (clusterIPs?.length || clusterIP) errors.forbidden('spec.clusterIPs', notSet);
  if (ipFamilies?.length) errors.forbidden('spec.ipFamilies', notSet);
  if (ipFamilyPolicy !== undefined) errors.forbidden('spec.ipFamilyPolicy', notSet);
  const name = externalName.replace(/\.$/, '');
  if (name === '') errors.required('spec.externalName');
  else errors.invalidEach('spec.externalName', name, dnsSubdomain(name));
}

function validatePorts({ ports = [], type = 'ClusterIP' }: ServiceSpec, errors: FieldErrors): void {
  const names = new Set<string>();
  const pairs = new Set<string>();
  const nodePorts = new Set<string>();
  ports.forEach((port, index) => {
    const at = `spec.ports[${index}]`;
    if (!port.name && ports.length > 1) errors.required(`${at}.name`);
    if (port.name) {
      errors.invalidEach(`${at}.name`, port.name, dnsLabel(port.name));
      if (names.has(port.name)) errors.duplicate(`${at}.name`, port.name);
      names.add(port.name);
    }
    validatePort(port, at, errors);
    const nodePort = `${port.protocol}/${port.nodePort}`;
    if (port.nodePort && (type === 'ClusterIP' || type === 'ExternalName')) {
      errors.forbidden(`${at}.nodePort`, `may not be used when \`type\` is '${type}'`);
    }
    if (port.nodePort && nodePorts.has(nodePort)) errors.duplicate(`${at}.nodePort`, port.nodePort);
    nodePorts.add(nodePort);
    const pair = `${port.protocol}/${port.port}`;
    if (pairs.has(pair)) errors.duplicate(at, { protocol: port.protocol, port: port.port });
    pairs.add(pair);
  });
}

/** Whether a node port is in the range and free is for the allocation to say. */
function validatePort({ port, targetPort, appProtocol }: ServicePort, at: string, errors: FieldErrors): void {
  errors.invalidEach(`${at}.port`, port ?? 0, portNumber(port ?? 0));
  if (targetPort !== undefined && port !== undefined) {
    errors.invalidEach(`${at}.targetPort`, targetPort, portReference(targetPort));
  }
  if (appProtocol !== undefined) errors.invalidEach(`${at}.appProtocol`, appProtocol, qualifiedName(appProtocol));
}

function validateAffinity({ sessionAffinity, sessionAffinityConfig }: ServiceSpec, errors: FieldErrors): void {
  if (sessionAffinity !== 'ClientIP') return;
  const timeout = sessionAffinityConfig?.clientIP?.timeoutSeconds;
  if (timeout === undefined || (timeout > 0 && timeout <= LONGEST_AFFINITY)) return;
  const at = 'spec.sessionAffinityConfig.clientIP.timeoutSeconds';
  errors.invalid(at, timeout, `must be greater than 0 and less than ${LONGEST_AFFINITY}`);
}

/** Whether something outside the cluster can reach it. */
export function isExternal({ type, externalIPs }: ServiceSpec): boolean {
  return type === 'NodePort' || type === 'LoadBalancer' || (type !== 'ExternalName' && Boolean(externalIPs?.length));
}

/** Whether load balancers ask its nodes if they have an endpoint. */
export function needsHealthCheck({ type, externalTrafficPolicy }: ServiceSpec): boolean {
  return type === 'LoadBalancer' && externalTrafficPolicy === 'Local';
}

function validateTrafficPolicies(spec: ServiceSpec, errors: FieldErrors): void {
  const { externalTrafficPolicy, healthCheckNodePort, trafficDistribution } = spec;
  if (externalTrafficPolicy && !isExternal(spec)) {
    const why = 'may only be set for externally-accessible services';
    errors.invalid('spec.externalTrafficPolicy', externalTrafficPolicy, why);
  }
  if (healthCheckNodePort && !needsHealthCheck(spec)) {
    const why = "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'";
    errors.invalid('spec.healthCheckNodePort', healthCheckNodePort, why);
  }
  if (trafficDistribution !== undefined && !DISTRIBUTIONS.includes(trafficDistribution)) {
    errors.unsupported('spec.trafficDistribution', trafficDistribution, DISTRIBUTIONS);
  }
}

function validateLoadBalancer(spec: ServiceSpec, errors: FieldErrors): void {
  const { type, loadBalancerSourceRanges = [], allocateLoadBalancerNodePorts, loadBalancerClass } = spec;
  // The capital letter is the real server's.
  const at = 'spec.LoadBalancerSourceRanges';
  loadBalancerSourceRanges.forEach((range, index) => {
    errors.invalidEach(`${at}[${index}]`, range.trim(), cidr(range.trim()));
  });
  if (type === 'LoadBalancer') {
    if (loadBalancerClass === undefined) return;
    errors.invalidEach('spec.loadBalancerClass', loadBalancerClass, qualifiedName(loadBalancerClass));
    return;
  }
  if (loadBalancerSourceRanges.length > 0) errors.forbidden(at, ONLY_LOAD_BALANCER);
  if (allocateLoadBalancerNodePorts !== undefined) {
    errors.forbidden('spec.allocateLoadBalancerNodePorts', ONLY_LOAD_BALANCER);
  }
  if (loadBalancerClass !== undefined) errors.forbidden('spec.loadBalancerClass', ONLY_LOAD_BALANCER);
}

const IP_MODES = ['Proxy', 'VIP'];

function validateLoadBalancerStatus(
  { type }: ServiceSpec,
  ingress: readonly (LoadBalancerIngress & { ipMode?: string })[],
  errors: FieldErrors,
): void {
  const at = 'status.loadBalancer.ingress';
  if (type !== 'LoadBalancer') {
    if (ingress.length > 0) errors.forbidden(at, "may only be used when `spec.type` is 'LoadBalancer'");
    return;
  }
  ingress.forEach(({ ip = '', ipMode, hostname = '' }, index) => {
    const one = `${at}[${index}]`;
    if (ip) errors.invalidEach(`${one}.ip`, ip, ipAddress(ip));
    if (ip && ipMode === undefined) errors.required(`${one}.ipMode`, 'must be specified when `ip` is set');
    if (!ip && ipMode !== undefined) errors.forbidden(`${one}.ipMode`, 'may not be specified when `ip` is not set');
    else if (ipMode !== undefined && !IP_MODES.includes(ipMode)) errors.unsupported(`${one}.ipMode`, ipMode, IP_MODES);
    if (hostname === '') return;
    errors.invalidEach(`${one}.hostname`, hostname, dnsSubdomain(hostname));
    if (tryParseIp(hostname)) errors.invalid(`${one}.hostname`, hostname, 'must be a DNS name, not an IP address');
  });
}
