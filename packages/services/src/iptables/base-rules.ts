import { type Family, parsePrefix } from '@podwire/base';
import { hasLoopbackPorts } from '../loopback.ts';
import { type ClusterModel, isRoutable, type NodeModel, ofFamily } from '../model.ts';
import { IPVS_MARK, IPVS_MARK_MASK } from '../ruleset/ipvs-mark.ts';
import { AWAY_BIT, JUMP_COMMENT, MARKER, MASQUERADE_BIT } from './layout.ts';
import { type Chain, type Rule, rule, type TableName } from './rule.ts';

const hex = (bits: number): string => `0x${bits.toString(16)}`;
const setBit = (bits: number): Rule => rule({ jump: `MARK --set-xmark ${hex(bits)}/${hex(bits)}` });
/** Of a packet that has it. */
const clearBit = (bits: number): Rule => rule({ jump: `MARK --set-xmark ${hex(bits)}/0x0` });
const LOOPBACK = parsePrefix('127.0.0.0/8');
const NEW = '-m conntrack --ctstate NEW';
/** While the node goes over from mode ipvs or to it, both serve: what is on its way to IPVS still has the service's address. */
const NOT_TO_IPVS = `-m mark ! --mark ${hex(IPVS_MARK)}/${hex(IPVS_MARK_MASK)}`;

export interface Base {
  readonly cluster: ClusterModel;
  readonly node: NodeModel;
  readonly family: Family;
}

/** The rules that do not depend on services; plan.ts fills the other fixed chains. */
export function baseChains(base: Base): Chain[] {
  const { cluster, node, family } = base;
  const ownPods = ofFamily(node.podCidrs, family);
  const back = (flag: 'source' | 'destination') => ownPods.map((own) => rule({ [flag]: own, jump: 'RETURN' }));
  const pods = ofFamily(cluster.podCidrs, family).map((source) => rule({ source, jump: 'RETURN' }));
  const nat = (name: string, rules: readonly Rule[]): Chain => ({ table: 'nat', name, rules });
  return [
    ...jumps(base),
    nat(MARKER, []),
    { table: 'filter', name: MARKER, rules: [] },
    nat('KUBE-MARK-MASQ', [setBit(MASQUERADE_BIT)]),
    nat('KUBE-MARK-OUTSIDE', [...pods, rule({ jump: 'KUBE-MARK-MASQ' })]),
    nat('KUBE-MARK-AWAY', [...back('source'), setBit(AWAY_BIT)]),
    nat('KUBE-AWAY', [clearBit(AWAY_BIT), ...back('destination'), rule({ jump: 'KUBE-MARK-MASQ' })]),
    nat('KUBE-POSTROUTING', postrouting(base)),
    { table: 'filter', name: 'KUBE-FORWARD', rules: forward() },
  ];
}

/** Links of pods may have no address, so towards pods of the node the source is the node's own (SVC-7). */
function postrouting({ node, family }: Base): Rule[] {
  const [address] = ofFamily(node.addresses, family);
  const own = address ? ofFamily(node.podCidrs, family) : [];
  return [
    rule({ match: `-m mark --mark ${hex(AWAY_BIT)}/${hex(AWAY_BIT)}`, jump: 'KUBE-AWAY' }),
    rule({
      match: `-m mark ! --mark ${hex(MASQUERADE_BIT)}/${hex(MASQUERADE_BIT)}`,
      jump: 'RETURN',
    }),
    clearBit(MASQUERADE_BIT),
    ...own.map((destination) => rule({ destination, jump: `SNAT --to-source ${address} --random-fully` })),
    rule({ comment: 'traffic that needs another source', jump: 'MASQUERADE --random-fully' }),
  ];
}

function forward(): Rule[] {
  return [
    rule({
      comment: 'late segments of translated connections',
      match: '-m conntrack --ctstate INVALID',
      jump: 'DROP',
    }),
    rule({
      match: `-m mark --mark ${hex(MASQUERADE_BIT)}/${hex(MASQUERADE_BIT)}`,
      jump: 'ACCEPT',
    }),
    rule({ match: '-m conntrack --ctstate RELATED,ESTABLISHED', jump: 'ACCEPT' }),
  ];
}

/** What the kernel does not drop by itself when it routes packets of loopback addresses. */
function martianRules({ node, family }: Base): Rule[] {
  if (family === 'ipv6' || !hasLoopbackPorts(node)) return [];
  const loopback = { notIn: 'lo', comment: `${JUMP_COMMENT}loopback addresses are not for the wire`, jump: 'DROP' };
  const strange = '-m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT';
  return [rule({ ...loopback, source: LOOPBACK }), rule({ ...loopback, destination: LOOPBACK, match: strange })];
}

/** Our rules in the kernel's chains, in the order in which they stand at the top. */
function jumps(base: Base): Chain[] {
  const to = (target: string, what: string, match = ''): Rule =>
    rule({ comment: JUMP_COMMENT + what, match, jump: target });
  const into = (table: TableName, name: string, ...rules: readonly Rule[]): Chain => ({ table, name, rules });
  const martian = martianRules(base);
  const ofLoopback =
    base.family === 'ipv6'
      ? []
      : ofFamily(base.node.nodePortAddresses, 'ipv4')
          .filter((address) => !isRoutable(address))
          .map((destination) => rule({ destination, comment: `${JUMP_COMMENT}node ports`, jump: 'KUBE-NODEPORTS' }));
  const fence = to('KUBE-PROXY-FIREWALL', 'load-balancer firewall', NEW);
  const unserved = (match: string) => [
    to('KUBE-SERVICES', 'cluster addresses', match),
    to('KUBE-EXTERNAL-SERVICES', 'external addresses', match),
  ];
  return [
    into('nat', 'PREROUTING', to('KUBE-SERVICES', 'service portals')),
    into('nat', 'OUTPUT', to('KUBE-SERVICES', 'service portals'), ...ofLoopback),
    into('nat', 'POSTROUTING', to('KUBE-POSTROUTING', 'postrouting rules')),
    into('filter', 'INPUT', ...martian, fence, ...unserved(`${NEW} ${NOT_TO_IPVS}`)),
    into('filter', 'FORWARD', ...martian.slice(0, 1), fence, to('KUBE-FORWARD', 'forwarding rules'), ...unserved(NEW)),
    into('filter', 'OUTPUT', fence, ...unserved(NEW)),
  ];
}
