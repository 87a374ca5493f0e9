import { prefixContains, prefixParts, tryParseIp, tryParsePrefix } from '@podwire/base';
import type {
  HTTPIngressPath,
  Ingress,
  IngressBackend,
  IngressRule,
  NetworkPolicy,
  NetworkPolicyPeer,
  NetworkPolicyPort,
} from 'kubernetes-types/networking/v1.js';
import { BAD_CIDR, isCidr } from './addresses.ts';
import type { FieldErrors } from './field-errors.ts';
import { validateLabelSelector } from './metadata-validation.ts';
import { dnsLabel1035, dnsSubdomain, portName, portNumber, portReference, wildcardSubdomain } from './names.ts';

const PATH_TYPES = ['Exact', 'ImplementationSpecific', 'Prefix'];
const BAD_SEQUENCES = ['//', '/./', '/../', '%2f', '%2F'];
const BAD_SUFFIXES = ['/..', '/.'];

export function validateIngress({ spec }: Ingress, errors: FieldErrors): void {
  const rules = spec?.rules ?? [];
  if (rules.length === 0 && !spec?.defaultBackend) {
    errors.invalid('spec', null, 'either `defaultBackend` or `rules` must be specified');
  }
  if (spec?.defaultBackend) validateBackend(spec.defaultBackend, 'spec.defaultBackend', errors);
  rules.forEach((rule, index) => {
    validateRule(rule, `spec.rules[${index}]`, errors);
  });
  spec?.tls?.forEach(({ hosts = [] }, index) => {
    hosts.forEach((host, n) => {
      validateHost(host, `spec.tls[${index}].hosts[${n}]`, errors);
    });
  });
  const className = spec?.ingressClassName;
  if (className !== undefined) errors.invalidEach('spec.ingressClassName', className, dnsSubdomain(className));
}

function validateRule({ host, http }: IngressRule, at: string, errors: FieldErrors): void {
  if (host && tryParseIp(host)) errors.invalid(`${at}.host`, host, 'must be a DNS name, not an IP address');
  else if (host) validateHost(host, `${at}.host`, errors);
  http?.paths?.forEach((path, index) => {
    validatePath(path, `${at}.http.paths[${index}]`, errors);
  });
}

function validateHost(host: string, at: string, errors: FieldErrors): void {
  errors.invalidEach(at, host, host.includes('*') ? wildcardSubdomain(host) : dnsSubdomain(host));
}

function validatePath(entry: HTTPIngressPath, at: string, errors: FieldErrors): void {
  const { path = '', pathType } = entry;
  if (!pathType) {
    errors.required(`${at}.pathType`, 'pathType must be specified');
  } else if (!PATH_TYPES.includes(pathType)) {
    errors.unsupported(`${at}.pathType`, pathType, PATH_TYPES);
  } else if (pathType === 'ImplementationSpecific') {
    if (path !== '' && !path.startsWith('/')) errors.invalid(`${at}.path`, path, 'must be an absolute path');
  } else {
    if (!path.startsWith('/')) errors.invalid(`${at}.path`, path, 'must be an absolute path');
    for (const bad of BAD_SEQUENCES)
      if (path.includes(bad)) errors.invalid(`${at}.path`, path, `must not contain '${bad}'`);
    for (const bad of BAD_SUFFIXES)
      if (path.endsWith(bad)) errors.invalid(`${at}.path`, path, `cannot end with '${bad}'`);
  }
  validateBackend(entry.backend ?? {}, `${at}.backend`, errors);
}

function validateBackend({ service, resource }: IngressBackend, at: string, errors: FieldErrors): void {
  if (service && resource) {
    errors.invalid(at, '', 'cannot set both resource and service backends');
  } else if (service) {
    if (service.name) errors.invalidEach(`${at}.service.name`, service.name, dnsLabel1035(service.name));
    const { name, number } = service.port ?? {};
    if (name && number) errors.invalid(at, '', 'cannot set both port name & port number');
    else if (name) errors.invalidEach(`${at}.service.port.name`, name, portName(name));
    else if (number) errors.invalidEach(`${at}.service.port.number`, number, portNumber(number));
    else errors.required(at, 'port name or number is required');
  } else if (!resource) {
    errors.invalid(at, '', 'resource or service backend is required');
  }
}

export function validateNetworkPolicy({ spec }: NetworkPolicy, errors: FieldErrors): void {
  if (!spec) return;
  validateLabelSelector(spec.podSelector, 'spec.podSelector', errors);
  spec.ingress?.forEach((rule, index) => {
    validatePolicyPorts(rule.ports, `spec.ingress[${index}].ports`, errors);
    validatePeers(rule.from, `spec.ingress[${index}].from`, errors);
  });
  spec.egress?.forEach((rule, index) => {
    validatePolicyPorts(rule.ports, `spec.egress[${index}].ports`, errors);
    validatePeers(rule.to, `spec.egress[${index}].to`, errors);
  });
  const { policyTypes = [] } = spec;
  if (policyTypes.length > 2) {
    errors.invalid('spec.policyTypes', policyTypes, 'may not specify more than two policyTypes');
    return;
  }
  policyTypes.forEach((type, index) => {
    if (type === 'Ingress' || type === 'Egress') return;
    errors.unsupported(`spec.policyTypes[${index}]`, type, ['Egress', 'Ingress']);
  });
}

function validatePolicyPorts(ports: readonly NetworkPolicyPort[] = [], at: string, errors: FieldErrors): void {
  ports.forEach(({ port, endPort }, index) => {
    const path = `${at}[${index}]`;
    if (port !== undefined) errors.invalidEach(`${path}.port`, port, portReference(port));
    if (endPort === undefined) return;
    const field = `${path}.endPort`;
    if (port === undefined) errors.invalid(field, endPort, 'may not be specified when `port` is not specified');
    else if (typeof port === 'string')
      errors.invalid(field, endPort, 'may not be specified when `port` is non-numeric');
    else if (endPort < port) errors.invalid(field, endPort, 'must be greater than or equal to `port`');
    else errors.invalidEach(field, endPort, portNumber(endPort));
  });
}

function validatePeers(peers: readonly NetworkPolicyPeer[] = [], at: string, errors: FieldErrors): void {
  peers.forEach((peer, index) => {
    const path = `${at}[${index}]`;
    const { podSelector, namespaceSelector, ipBlock } = peer;
    validateLabelSelector(podSelector, `${path}.podSelector`, errors);
    validateLabelSelector(namespaceSelector, `${path}.namespaceSelector`, errors);
    if (!podSelector && !namespaceSelector && !ipBlock) errors.required(path, 'must specify a peer');
    if (!ipBlock) return;
    if (podSelector || namespaceSelector) errors.forbidden(path, 'may not specify both ipBlock and another peer');
    validateBlock(ipBlock.cidr, ipBlock.except ?? [], `${path}.ipBlock`, errors);
  });
}

function validateBlock(cidr: string, except: readonly string[], at: string, errors: FieldErrors): void {
  if (!cidr) return;
  const outer = isCidr(cidr) ? tryParsePrefix(cidr) : undefined;
  if (!outer) {
    errors.invalid(`${at}.cidr`, cidr, BAD_CIDR);
    return;
  }
  except.forEach((text, index) => {
    const inner = isCidr(text) ? tryParsePrefix(text) : undefined;
    const field = `${at}.except[${index}]`;
    if (!inner) errors.invalid(field, text, BAD_CIDR);
    else if (!isStrictlyInside(outer, inner)) errors.invalid(field, text, 'must be a strict subset of `cidr`');
  });
}

function isStrictlyInside(outer: Parameters<typeof prefixParts>[0], inner: Parameters<typeof prefixParts>[0]): boolean {
  const { address, length } = prefixParts(inner);
  return length > prefixParts(outer).length && prefixContains(outer, address);
}
