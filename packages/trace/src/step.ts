import type { ClusterConfig } from '@podwire/kube';
import type { Interpretation } from '@podwire/nft';

/** What one nft table had to say at one hook; for Services in another mode than nftables, what their model says there. */
export interface TableVerdict {
  readonly table: string;
  readonly verdict: 'accept' | 'drop' | 'reject';
  /** The rule that decided or translated, in nft syntax; absent: no rule had an opinion. */
  readonly rule?: string;
  readonly comment?: string;
  readonly translation?: NonNullable<Interpretation['translation']>;
}

/** One line of an explanation. */
export interface Step {
  /** `pod shop/front-1`, `node-1`, `outside`: who does or sees this. */
  readonly where: string;
  readonly kind: 'packet' | 'dns' | 'service' | 'rules' | 'policy' | 'route' | 'tunnel' | 'reply' | 'note';
  readonly text: string;
  /** For rules: the hook and every table that has a chain there. */
  readonly hook?: string;
  readonly tables?: readonly TableVerdict[];
}

export interface Verdict {
  /**
   * refused: the client is told at once (TCP reset, ICMP error); dropped: it waits for nothing; unreachable: there is no
   * way to the address; unresolved: the name gives no address, or one that only a server outside the cluster knows.
   */
  readonly kind: 'delivered' | 'refused' | 'dropped' | 'unreachable' | 'unresolved';
  readonly where: string;
  readonly reason: string;
}

export interface Explanation {
  readonly from: string;
  readonly to: string;
  readonly protocol: Protocol;
  readonly port: number;
  /** How the nodes balance Services. */
  readonly proxyMode: ClusterConfig['proxyMode'];
  readonly steps: readonly Step[];
  readonly verdict: Verdict;
}

export type Protocol = 'tcp' | 'udp';

/** Numbered lines of plain text, the verdict last. Control characters in names become question marks. */
export function formatExplanation({ from, to, protocol, port, proxyMode, steps, verdict }: Explanation): string {
  const width = Math.max(...steps.map(({ where }) => where.length), 0);
  const lines = steps.map(
    ({ where, kind, text }, i) => `${String(i + 1).padStart(2)}. ${where.padEnd(width)}  ${kind.padEnd(7)}  ${text}`,
  );
  return [
    `${from} -> ${to} ${protocol}${port > 0 ? ` ${port}` : ''} (proxy mode ${proxyMode})`,
    ...lines,
    `${verdict.kind}: ${verdict.where}: ${verdict.reason}`,
  ]
    .map((line) => line.replace(/\p{Cc}/gu, '?'))
    .join('\n');
}
