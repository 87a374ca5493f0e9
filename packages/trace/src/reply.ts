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

/** The way back in one line, from routes of the planned tables; `lost` says why the client does not know the replies. */
export interface Replies {
  readonly text: string;
  readonly lost?: string;
}

export function planReplies(cluster: ClusterView, { passed, translations, arrived }: Journey): Replies {
  const [last, previous] = passed.toReversed();
  const changes = translations.toReversed().filter(isChange);
  const rest = ['established connections pass the rules', ...changes.map(undo)].join('; ');
  const hop = last && previous ? routeTo(cluster, last, arrived.saddr) : undefined;
  const next = hop?.kind === 'node' ? hop.node.name : undefined;
  if (!hop || next === previous?.name) {
    const nodes = [...new Set(passed.toReversed().map(({ name }) => name))].join(', ');
    return { text: `replies to ${arrived.saddr} go back through ${nodes}${hop ? ` by ${hop.text}` : ''}; ${rest}` };
  }
  const text = `replies to ${arrived.saddr} do not go back through ${previous?.name}: ${last?.name} has ${hop.text}`;
  const bypassed = changes.filter(({ node }) => node !== last?.name && node !== next);
  return bypassed.length === 0
    ? { text }
    : { text, lost: `its replies bypass ${previous?.name}, and only ${bypassed.map(undo).join('; ')}` };
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
