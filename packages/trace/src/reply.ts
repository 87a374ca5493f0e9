import type { VirtualPacket } from '@podwire/nft';
import type { ClusterView } from './cluster-view.ts';
import type { NodeView } from './node-view.ts';
import { routeTo } from './route.ts';

/** What a node's connection tracking remembers of a connection. */
export interface Translation {
  readonly node: string;
  readonly before: VirtualPacket;
  readonly after: VirtualPacket;
}

interface Journey {
  readonly passed: readonly NodeView[];
  readonly translations: readonly Translation[];
  /** The packet as its receiver sees it. */
  readonly arrived: VirtualPacket;
}

/** The way back in one line: routes of the planned tables, and translations undone in reverse. */
export function describeReplies(cluster: ClusterView, { passed, translations, arrived }: Journey): string {
  const back = passed.toReversed();
  const nodes = [...new Set(back.map(({ name }) => name))].join(', ');
  const undone = translations.toReversed().filter(isChange).map(undo);
  const [last, previous] = back;
  const hop = last && previous ? routeTo(cluster, last, arrived.saddr) : undefined;
  const isOther = hop && (hop.kind !== 'node' || hop.node.name !== previous?.name);
  const way = isOther ? `, but ${last?.name} has ${hop.text} for ${arrived.saddr}` : hop ? ` by ${hop.text}` : '';
  const rest = ['established connections pass the rules', ...undone];
  return `replies to ${arrived.saddr} go back through ${nodes}${way}; ${rest.join('; ')}`;
}

function isChange({ before, after }: Translation): boolean {
  return before.saddr !== after.saddr || before.daddr !== after.daddr || before.dport !== after.dport;
}

function undo({ node, before, after }: Translation): string {
  const source = before.daddr !== after.daddr || before.dport !== after.dport;
  return source
    ? `${node} makes their source ${before.daddr}:${before.dport} again`
    : `${node} makes their destination ${before.saddr} again`;
}
