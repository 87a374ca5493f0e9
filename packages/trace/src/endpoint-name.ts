import { familyOf, type IpAddress, PodwireError, tryParseIp, tryParsePort } from '@podwire/base';
import type { Pod } from '@podwire/kube';
import { keyOf } from './cluster-objects.ts';
import type { ClusterView } from './cluster-view.ts';
import { podAddress } from './pod-attachment.ts';
import { outsideHostOf } from './site.ts';
import type { Origin } from './walk.ts';

/** What `--to` says, taken apart. */
export interface TargetText {
  readonly host: string;
  /** A number, or the name of a port. */
  readonly port?: string;
}

const NAME = /^[a-zA-Z0-9]([-a-zA-Z0-9._]*[a-zA-Z0-9])?\.?$/;

/** Throws TRACE_TARGET. */
export function parseTarget(text: string): TargetText {
  const [, host = '', port] = /^([^:]+)(?::([a-zA-Z0-9-]+))?$/.exec(text) ?? [];
  const parts = host.split('/');
  const isPort = port === undefined || !/^\d+$/.test(port) || tryParsePort(Number(port)) !== undefined;
  if (parts.length > 2 || !parts.every((part) => NAME.test(part)) || !isPort)
    throw new PodwireError(
      'TRACE_TARGET',
      `the target "${text}" is none; write [NAMESPACE/]POD, a Service, a DNS name or an IPv4 address, and :PORT`,
    );
  return { host, ...(port !== undefined && { port }) };
}

/** Where the connection begins, and the pod, if it is one. Throws TRACE_NO_POD. */
export function findOrigin(cluster: ClusterView, text: string): { readonly origin: Origin; readonly pod?: Pod } {
  if (text === 'outside') return { origin: { kind: 'outside', address: outsideHostOf(cluster.site), name: 'outside' } };
  const address = tryParseIp(text);
  if (address && familyOf(address) === 'ipv4') return originAt(cluster, address);
  const node = cluster.node(text);
  const pod = cluster.pod(text.includes('/') ? text : `default/${text}`);
  if (!pod && node) return { origin: { kind: 'node', node, name: node.name } };
  return ofPod(cluster, requirePod(cluster, pod, text));
}

function originAt(cluster: ClusterView, address: IpAddress): { readonly origin: Origin; readonly pod?: Pod } {
  const pod = cluster.podAt(address);
  if (pod) return ofPod(cluster, pod);
  const node = cluster.nodes().find((one) => one.address === address);
  return { origin: node ? { kind: 'node', node, name: node.name } : { kind: 'outside', address, name: address } };
}

function ofPod(cluster: ClusterView, pod: Pod): { readonly origin: Origin; readonly pod: Pod } {
  const name = keyOf(pod);
  const node = cluster.node(pod.spec?.nodeName ?? '');
  const address = podAddress(pod);
  if (!node || !address) throw new PodwireError('TRACE_NO_POD', `pod ${name} has no ${node ? 'address' : 'node'} yet`);
  return { pod, origin: pod.spec?.hostNetwork ? { kind: 'node', node, name } : { kind: 'pod', node, address, name } };
}

/** The pod, or an error that says which part of its name is wrong. */
export function requirePod(cluster: ClusterView, pod: Pod | undefined, text: string): Pod {
  if (pod) return pod;
  const [name = '', namespace = 'default'] = text.split('/').toReversed();
  const { pods, namespaces, services } = cluster.objects;
  if (!namespaces.some(({ metadata }) => metadata?.name === namespace))
    throw new PodwireError('TRACE_NO_POD', `there is no namespace ${namespace}, so no pod ${namespace}/${name}`);
  const isService = services.some((service) => keyOf(service) === `${namespace}/${name}`);
  const there = pods.filter(({ metadata }) => metadata?.namespace === namespace).map(({ metadata }) => metadata?.name);
  const hint = isService ? `; for the Service write ${name}.${namespace}` : '';
  throw new PodwireError(
    'TRACE_NO_POD',
    `there is no pod ${namespace}/${name}${hint}; pods there: ${there.toSorted().join(', ') || 'none'}`,
  );
}
