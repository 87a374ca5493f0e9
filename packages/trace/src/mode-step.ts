import type { ClusterConfig } from '@podwire/kube';
import type { MatchedRule } from '@podwire/nft';
import type { ServiceMatch } from './service-step.ts';
import type { TableVerdict } from './step.ts';

type Mode = ClusterConfig['proxyMode'];

/** The table of mode nftables. What it comes to holds for every mode: it is the model that one suite proves all modes equal to. */
const SERVICES_TABLE = 'podwire-services';

/** How a connection gets to its endpoint in a mode without that table; nothing for those that translate packets on the way. */
const WAYS: Partial<Record<Mode, string>> = {
  ipvs: 'a virtual server of IPVS draws the endpoint and translates',
  userspace:
    'the agent takes the connection and makes one of its own to the endpoint, which sees the node as its client',
};
const BY_SOCKET =
  'the socket gets the endpoint when it connects: nothing is translated, and the endpoint sees the client itself';

/** What is particular about a mode for who connects to an endpoint. `bySocket`: as `isBySocket` says. */
export function wayOf(mode: Mode, bySocket: boolean): string | undefined {
  const way = bySocket ? BY_SOCKET : WAYS[mode];
  return way && `proxy mode ${mode}: ${way}`;
}

/** Whether a socket of the node or its pods gets the endpoint itself, so that no packet is translated. */
export function isBySocket(mode: Mode, { service, port, kind }: ServiceMatch): boolean {
  const isFenced = kind === 'load-balancer IP' && service.sourceRanges !== undefined;
  return mode === 'ebpf' && port.protocol !== 'sctp' && !isFenced;
}

/** Whether endpoints see a connection of the node's instead of the client's. */
export const isRelayed = (mode: Mode): boolean => mode === 'userspace';

/** The rule that decided, in words. */
export function decisionIn(mode: Mode, { table, chain, comment, text }: MatchedRule): string {
  const isModel = mode !== 'nftables' && table === SERVICES_TABLE;
  return isModel ? `services (${mode}): ${comment ?? 'no endpoint'}` : `${table} chain ${chain}: ${comment ?? text}`;
}

/** What a table said, without claims about nftables where the mode does not use it. */
export function inMode(mode: Mode, verdict: TableVerdict): TableVerdict {
  if (mode === 'nftables' || verdict.table !== SERVICES_TABLE) return verdict;
  const { rule: _, ...rest } = verdict;
  return { ...rest, table: `services (${mode})` };
}
