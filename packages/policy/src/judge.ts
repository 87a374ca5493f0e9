import { type IpAddress, prefixContains, selectorMatches } from '@podwire/base';
import type { Direction, Peer, Policy, PolicyModel, PolicyPod, PolicyRule, PortMatch, Protocol } from './model.ts';

/** A new connection as the policies see it: after service translation, before masquerade. */
export interface Connection {
  readonly source: IpAddress;
  readonly destination: IpAddress;
  /** Absent: neither TCP, UDP nor SCTP (ICMP, say). */
  readonly protocol?: Protocol;
  readonly port?: number;
}

export interface Judgement {
  readonly allowed: boolean;
  /** Per direction: whether the pod is isolated, and the policy that lets the connection pass. */
  readonly ingress: DirectionJudgement;
  readonly egress: DirectionJudgement;
}

export interface DirectionJudgement {
  readonly isolatedBy: readonly string[];
  readonly allowedBy?: string;
}

/**
 * Says straight from the objects whether a connection may be made; the plan must come to the same answer. Both ends are
 * judged wherever they run.
 */
export function judge(model: PolicyModel, connection: Connection): Judgement {
  const egress = judgeDirection(model, connection, 'egress');
  const ingress = judgeDirection(model, connection, 'ingress');
  const passes = ({ isolatedBy, allowedBy }: DirectionJudgement) => isolatedBy.length === 0 || allowedBy !== undefined;
  return { allowed: passes(egress) && passes(ingress), ingress, egress };
}

function judgeDirection(model: PolicyModel, connection: Connection, direction: Direction): DirectionJudgement {
  const subject = podAt(model, direction === 'ingress' ? connection.destination : connection.source);
  const policies = model.policies.filter(
    (policy) => policy[direction] !== undefined && subject && selects(policy, subject),
  );
  const allowing = policies.find((policy) =>
    policy[direction]?.some((rule) => ruleAllows(rule, { model, policy, connection, direction })),
  );
  return { isolatedBy: policies.map(nameOf), ...(allowing && { allowedBy: nameOf(allowing) }) };
}

const nameOf = ({ namespace, name }: Policy): string => `${namespace}/${name}`;
const podAt = (model: PolicyModel, address: IpAddress): PolicyPod | undefined =>
  model.pods.find((pod) => pod.addresses.includes(address));
const selects = (policy: Policy, pod: PolicyPod): boolean =>
  pod.namespace === policy.namespace && selectorMatches(policy.selector, pod.labels);

interface Question {
  readonly model: PolicyModel;
  readonly policy: Policy;
  readonly connection: Connection;
  readonly direction: Direction;
}

function ruleAllows({ peers, ports }: PolicyRule, question: Question): boolean {
  const { connection, direction } = question;
  const other = direction === 'ingress' ? connection.source : connection.destination;
  const peerFits = !peers || peers.some((peer) => peerHolds(peer, other, question));
  return peerFits && (!ports || ports.some((port) => portFits(port, question)));
}

function peerHolds(peer: Peer, address: IpAddress, { model, policy }: Question): boolean {
  if (peer.kind === 'block')
    return prefixContains(peer.cidr, address) && !peer.except.some((prefix) => prefixContains(prefix, address));
  const pod = podAt(model, address);
  if (!pod) return false;
  const labels = model.namespaces.get(pod.namespace);
  const namespaceFits = peer.namespaces
    ? labels !== undefined && selectorMatches(peer.namespaces, labels)
    : pod.namespace === policy.namespace;
  return namespaceFits && selectorMatches(peer.pods ?? {}, pod.labels);
}

function portFits(match: PortMatch, { model, connection }: Question): boolean {
  const { protocol, port, destination } = connection;
  if (match.protocol !== protocol) return false;
  if (match.kind === 'protocol') return true;
  if (port === undefined) return false;
  if (match.kind === 'range') return match.from <= port && port <= match.to;
  const ports = podAt(model, destination)?.ports ?? [];
  return ports.some((named) => named.name === match.name && named.protocol === protocol && named.port === port);
}
