import type { IpAddress } from '@podwire/base';
import { type Connection, type DirectionJudgement, judge, type PolicyModel } from '@podwire/policy';
import type { ClusterView } from './cluster-view.ts';

export interface PolicyOpinion {
  readonly allowed: boolean;
  readonly text: string;
}

type Direction = 'egress' | 'ingress';

/** What the policies say, straight from the objects, about one end of a connection as its node sees it. */
export function policyOpinion(
  cluster: ClusterView,
  model: PolicyModel,
  connection: Connection,
  direction: Direction,
): PolicyOpinion {
  const judgement = judge(model, connection)[direction];
  const { isolatedBy, allowedBy } = judgement;
  const allowed = passes(judgement);
  const [own, other] =
    direction === 'egress' ? [connection.source, connection.destination] : [connection.destination, connection.source];
  const subject = `${direction} of ${cluster.nameOf(own)}`;
  if (isolatedBy.length === 0) return { allowed, text: `${subject}: allowed, no NetworkPolicy isolates it` };
  if (allowedBy !== undefined) return { allowed, text: `${subject}: allowed by NetworkPolicy ${allowedBy}` };
  const peer = `${direction === 'egress' ? 'to' : 'from'} ${peerName(cluster, other)}`;
  const what = [connection.protocol, connection.port, peer].filter((part) => part !== undefined).join(' ');
  const why = nearMiss(model, connection, direction);
  return {
    allowed,
    text: `${subject}: denied, isolated by NetworkPolicy ${isolatedBy.join(', ')}, and no rule allows ${what}${why}`,
  };
}

const passes = ({ isolatedBy, allowedBy }: DirectionJudgement): boolean =>
  isolatedBy.length === 0 || allowedBy !== undefined;

function peerName(cluster: ClusterView, address: IpAddress): string {
  const name = cluster.nameOf(address);
  return name === address ? address : `${name} (${address})`;
}

/** Which half of a rule would have fitted. */
function nearMiss(model: PolicyModel, connection: Connection, direction: Direction): string {
  if (passes(judge(without(model, 'ports'), connection)[direction])) return ': the peer is allowed, the port is not';
  return passes(judge(without(model, 'peers'), connection)[direction]) ? ': the port is allowed, the peer is not' : '';
}

function without(model: PolicyModel, part: 'peers' | 'ports'): PolicyModel {
  const strip = (rules: PolicyModel['policies'][number]['ingress']) =>
    rules?.map(({ peers, ports }) => (part === 'ports' ? { ...(peers && { peers }) } : { ...(ports && { ports }) }));
  return {
    ...model,
    policies: model.policies.map(({ ingress, egress, ...policy }) => ({
      ...policy,
      ...(ingress && { ingress: strip(ingress) ?? [] }),
      ...(egress && { egress: strip(egress) ?? [] }),
    })),
  };
}
