import {
  type IpAddress,
  type LabelSelector,
  type Labels,
  type Prefix,
  tryParseIp,
  tryParsePort,
  tryParsePrefix,
} from '@podwire/base';
import { isPodOver, type Namespace, type NetworkPolicy, type Pod } from '@podwire/kube';

export type Protocol = 'tcp' | 'udp' | 'sctp';
export type Direction = 'ingress' | 'egress';

interface NamedPort {
  readonly name: string;
  readonly protocol: Protocol;
  readonly port: number;
}

/** A pod that packets can come from or go to. */
export interface PolicyPod {
  readonly namespace: string;
  readonly name: string;
  readonly labels: Labels;
  readonly addresses: readonly IpAddress[];
  /** On the node this model is made for. */
  readonly local: boolean;
  readonly ports: readonly NamedPort[];
}

/** Whom a rule lets in or out: pods by labels, or addresses. */
export type Peer =
  | {
      readonly kind: 'pods';
      /** Absent: the policy's own namespace. */
      readonly namespaces?: LabelSelector;
      /** Absent: every pod. */
      readonly pods?: LabelSelector;
    }
  | { readonly kind: 'block'; readonly cidr: Prefix; readonly except: readonly Prefix[] };

/** What of a connection a rule lets pass; a missing part means every value. */
export type PortMatch =
  | { readonly kind: 'protocol'; readonly protocol: Protocol }
  | { readonly kind: 'range'; readonly protocol: Protocol; readonly from: number; readonly to: number }
  | { readonly kind: 'named'; readonly protocol: Protocol; readonly name: string };

export interface PolicyRule {
  /** Absent: everybody. Empty: nobody, because every entry was invalid. */
  readonly peers?: readonly Peer[];
  /** Absent: every port and protocol. Empty: none, because every entry was invalid. */
  readonly ports?: readonly PortMatch[];
}

export interface Policy {
  readonly namespace: string;
  readonly name: string;
  readonly selector: LabelSelector;
  /** Absent: the policy says nothing about that direction. Empty: nothing is allowed. */
  readonly ingress?: readonly PolicyRule[];
  readonly egress?: readonly PolicyRule[];
}

export interface PolicyModel {
  readonly pods: readonly PolicyPod[];
  /** Labels by namespace name. */
  readonly namespaces: ReadonlyMap<string, Labels>;
  readonly policies: readonly Policy[];
  /** What of the objects cannot be enforced as written, and what is done instead. */
  readonly problems: readonly string[];
}

export interface PolicySnapshot {
  readonly nodeName: string;
  readonly pods: readonly Pod[];
  readonly namespaces: readonly Namespace[];
  readonly policies: readonly NetworkPolicy[];
  /** The cluster's DNS addresses: they answer in the place of the pods kube-system/k8s-app=kube-dns. */
  readonly dnsAddresses: readonly IpAddress[];
  /** Addresses of pods whose status does not tell them yet, by namespace/name. */
  readonly assigned?: ReadonlyMap<string, IpAddress>;
}

/** The snapshot in the room's own terms. Never throws: what is invalid allows nothing and is reported. */
export function buildModel(snapshot: PolicySnapshot): PolicyModel {
  const problems: string[] = [];
  const namespaces = snapshot.namespaces.map((n): [string, Labels] => {
    const name = n.metadata?.name ?? '';
    return [name, { ...n.metadata?.labels, 'kubernetes.io/metadata.name': name }];
  });
  return {
    pods: [...activePods(snapshot), dnsPod(snapshot.dnsAddresses)].toSorted(byName),
    namespaces: new Map(namespaces.toSorted(([a], [b]) => compare(a, b))),
    policies: snapshot.policies.map((policy) => policyOf(policy, problems)).toSorted(byName),
    problems,
  };
}

interface Named {
  readonly namespace: string;
  readonly name: string;
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);
const byName = (a: Named, b: Named): number => compare(a.namespace, b.namespace) || compare(a.name, b.name);

/**
 * Pods that have an address of their own. One that has ended, or runs in its node's network, is neither subject nor peer.
 * Of two that claim an address, the younger has it.
 */
function activePods(snapshot: PolicySnapshot): PolicyPod[] {
  const owners = new Map<IpAddress, { readonly created: string; readonly pod: PolicyPod }>();
  const pods = snapshot.pods
    .filter(isActive)
    .map((pod) => ({ created: String(pod.metadata?.creationTimestamp ?? ''), pod: podOf(pod, snapshot) }));
  for (const candidate of pods) {
    for (const address of candidate.pod.addresses) {
      const other = owners.get(address);
      if (!other || other.created <= candidate.created) owners.set(address, candidate);
    }
  }
  return pods
    .map(({ pod }) => ({ ...pod, addresses: pod.addresses.filter((address) => owners.get(address)?.pod === pod) }))
    .filter((pod) => pod.addresses.length > 0);
}

function isActive(pod: Pod): boolean {
  return !pod.spec?.hostNetwork && !isPodOver(pod);
}

function podOf({ metadata, spec, status }: Pod, { nodeName, assigned }: PolicySnapshot): PolicyPod {
  const namespace = metadata?.namespace ?? '';
  const name = metadata?.name ?? '';
  const reported = [...(status?.podIPs ?? []).map(({ ip }) => ip), status?.podIP].flatMap(
    (ip) => tryParseIp(ip ?? '') ?? [],
  );
  const own = assigned?.get(`${namespace}/${name}`);
  return {
    namespace,
    name,
    labels: metadata?.labels ?? {},
    addresses: [...new Set(reported.length > 0 || !own ? reported : [own])],
    local: spec?.nodeName === nodeName,
    ports: [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])].flatMap((container) =>
      (container.ports ?? []).flatMap(({ name: portName, protocol, containerPort }) => {
        const known = protocolOf(protocol);
        return portName && known ? [{ name: portName, protocol: known, port: containerPort }] : [];
      }),
    ),
  };
}

/** The node's own DNS server stands in for the DNS pods, on addresses that no pod has. */
function dnsPod(addresses: readonly IpAddress[]): PolicyPod {
  return {
    namespace: 'kube-system',
    name: 'node-dns',
    labels: { 'k8s-app': 'kube-dns' },
    addresses,
    local: false,
    ports: [
      { name: 'dns', protocol: 'udp', port: 53 },
      { name: 'dns-tcp', protocol: 'tcp', port: 53 },
    ],
  };
}

function protocolOf(text: string | undefined): Protocol | undefined {
  const protocol = (text ?? 'TCP').toLowerCase();
  return protocol === 'tcp' || protocol === 'udp' || protocol === 'sctp' ? protocol : undefined;
}

type ApiRule = NonNullable<NonNullable<NetworkPolicy['spec']>['ingress']>[number];
type ApiPeer = NonNullable<ApiRule['from']>[number];
type ApiPort = NonNullable<ApiRule['ports']>[number];
type Report = (what: string) => void;

function policyOf({ metadata, spec }: NetworkPolicy, problems: string[]): Policy {
  const [namespace, name] = [metadata?.namespace ?? '', metadata?.name ?? ''];
  const report: Report = (what) =>
    problems.push(`NetworkPolicy ${namespace}/${name}: ${what}; that entry allows nothing`);
  const types = spec?.policyTypes ?? ['Ingress', ...(spec?.egress?.length ? ['Egress'] : [])];
  const rules = (list: readonly { peers?: readonly ApiPeer[] | undefined; ports?: readonly ApiPort[] | undefined }[]) =>
    list.map((rule) => ruleOf(rule, report));
  return {
    namespace,
    name,
    selector: spec?.podSelector ?? {},
    ...(types.includes('Ingress') && {
      ingress: rules((spec?.ingress ?? []).map(({ from, ports }) => ({ peers: from, ports }))),
    }),
    ...(types.includes('Egress') && {
      egress: rules((spec?.egress ?? []).map(({ to, ports }) => ({ peers: to, ports }))),
    }),
  };
}

/** A list that is absent or empty in the object means everything; one whose entries are all invalid means nothing. */
function ruleOf(
  { peers, ports }: { peers?: readonly ApiPeer[] | undefined; ports?: readonly ApiPort[] | undefined },
  report: Report,
): PolicyRule {
  return {
    ...(peers?.length && { peers: peers.flatMap((peer) => peerOf(peer, report) ?? []) }),
    ...(ports?.length && { ports: ports.flatMap((port) => portOf(port, report) ?? []) }),
  };
}

function peerOf({ ipBlock, namespaceSelector, podSelector }: ApiPeer, report: Report): Peer | undefined {
  if (!ipBlock) {
    if (!namespaceSelector && !podSelector) return void report('a peer selects nothing');
    return {
      kind: 'pods',
      ...(namespaceSelector && { namespaces: namespaceSelector }),
      ...(podSelector && { pods: podSelector }),
    };
  }
  if (namespaceSelector || podSelector) return void report('a peer has both ipBlock and a selector');
  const cidr = tryParsePrefix(ipBlock.cidr);
  if (!cidr) return void report(`ipBlock ${JSON.stringify(ipBlock.cidr)} is not an address prefix`);
  const except = (ipBlock.except ?? []).map((text) => tryParsePrefix(text));
  if (except.includes(undefined)) return void report(`ipBlock ${cidr} has an except that is not an address prefix`);
  return { kind: 'block', cidr, except: except.filter((prefix) => prefix !== undefined) };
}

function portOf({ protocol: protocolText, port, endPort }: ApiPort, report: Report): PortMatch | undefined {
  const protocol = protocolOf(protocolText);
  if (!protocol) return void report(`protocol ${JSON.stringify(protocolText)} is not TCP, UDP or SCTP`);
  if (port === undefined)
    return endPort === undefined ? { kind: 'protocol', protocol } : void report('endPort needs a port');
  if (typeof port === 'string') {
    return endPort === undefined
      ? { kind: 'named', protocol, name: port }
      : void report(`endPort goes with numbers only, not with port ${JSON.stringify(port)}`);
  }
  const [from, to] = [tryParsePort(port), tryParsePort(endPort ?? port)];
  if (from === undefined || to === undefined || to < from)
    return void report(`port ${port} to ${endPort ?? port} is no range of ports`);
  return { kind: 'range', protocol, from, to };
}
