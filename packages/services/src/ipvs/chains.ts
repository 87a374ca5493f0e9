import type { Family, IpAddress } from '@podwire/base';
import type { Chain, Rule, Statement } from '@podwire/nft';
import { type NodeModel, ofFamily } from '../model.ts';
import { base, filterChains, masquerading, toMasquerade } from '../ruleset/chains.ts';
import {
  addressIs,
  bits,
  CT_MARK,
  constant,
  differs,
  equals,
  FIELDS,
  type Fields,
  goto,
  inSet,
  jump,
  MARK,
  mapped,
  notInSet,
  protocolIs,
  rule,
  setCtMark,
  setMark,
  stateIs,
  verdict,
} from '../ruleset/expressions.ts';
import { IPVS_MARK, IPVS_MARK_MASK } from '../ruleset/ipvs-mark.ts';
import { KEEP_ALL, SAVED, saveMark } from '../ruleset/saved-mark.ts';
import { DRAINING, INWARD, inOwnSet } from './layout.ts';

const ifCaptured: Statement = equals(bits(MARK, IPVS_MARK_MASK), IPVS_MARK);
const accept = verdict('accept');
const known = stateIs('established', 'related');
const PROTOCOLS = ['tcp', 'udp', 'sctp'] as const;

/** The rules that never change with services (the README draws the hooks). `masquerading` has the node's own address. */
export function chains(node: NodeModel, family: Family): Chain[] {
  const fields = FIELDS[family];
  const [address] = ofFamily(node.addresses, family);
  return [
    ...fenceChains(fields),
    ...captureChains(fields),
    ...restoreChains(),
    ...filterChains(fields).map((chain) => (chain.name === 'input' ? withCaptured(chain) : chain)),
    ...masqueradeChains(fields, address),
  ];
}

/** Who may use load-balancer addresses (SVC-17). What the node sends would come to IPVS before `filter-output`. */
function fenceChains(fields: Fields): Chain[] {
  const fence = rule([
    stateIs('new'),
    inSet(fields.key, 'fenced'),
    notInSet(fields.sourceAndKey, 'sources'),
    verdict('drop'),
  ]);
  const rejected = inSet(fields.key, 'rejected');
  return [
    { name: 'fence-prerouting', base: base('filter', 'prerouting', -110), rules: [fence] },
    {
      name: 'fence-output',
      base: base('filter', 'output', -110),
      rules: [
        rule([known, accept]),
        fence,
        rule([inOwnSet(fields.key, INWARD), accept]),
        rule([inSet(fields.key, 'dropped'), verdict('drop')], 'endpoints on other nodes only'),
        rule([protocolIs('tcp'), rejected, { kind: 'reject', with: 'tcp-reset' }]),
        rule([rejected, { kind: 'reject', with: 'port-unreachable' }]),
      ],
    },
  ];
}

/**
 * Behind DNAT of anybody else and before routing: the mark brings a packet to this host, where IPVS takes it. In output it
 * tells virtual servers apart, and makes the kernel route a packet anew that IPVS leads to this host.
 */
function captureChains(fields: Fields): Chain[] {
  const save = (match: readonly Statement[]): Rule =>
    rule([differs(MARK, 0), ...match, saveMark], 'keep a foreign mark');
  const drains = [known, inOwnSet(fields.key, DRAINING)];
  const byInside = [setMark(mapped(fields.key, 'inside')), accept];
  const byAddress = setMark(constant(IPVS_MARK));
  const saves = [save([inSet(fields.key, 'svc')]), save([inOwnSet(fields.key, INWARD)]), save(drains)];
  const rest = [rule([inSet(fields.key, 'svc'), byAddress, accept]), rule([...drains, byAddress])];
  return [
    {
      name: 'capture',
      base: base('filter', 'prerouting', -98),
      rules: [...saves, rule([inSet(fields.source, 'pod-cidrs'), ...byInside]), ...rest],
    },
    {
      name: 'capture-output',
      base: base('filter', 'output', -99),
      rules: [...saves, rule(byInside), ...rest],
    },
  ];
}

/**
 * What IPVS sends on comes by output (again), where it would be routed by its mark; what it gives to a socket of this node
 * goes on by input, or by output, and is routed anew there because its mark changes.
 */
function restoreChains(): Chain[] {
  const kept = bits(CT_MARK, KEEP_ALL - SAVED);
  const rules = [rule([ifCaptured, jump('restore-mark')])];
  return [
    {
      name: 'restore-mark',
      rules: [
        rule([equals(bits(CT_MARK, SAVED), SAVED), setMark(kept), setCtMark(kept), accept]),
        rule([setMark(constant(0))]),
      ],
    },
    { name: 'restore-sent', base: base('filter', 'output', -350), rules },
    { name: 'restore-output', base: base('route', 'output', -97), rules },
    { name: 'restore-input', base: base('filter', 'input', 101), rules },
  ];
}

/** What is on its way to IPVS is neither refused nor dropped there, unless it comes too late. */
function withCaptured(input: Chain): Chain {
  const late = rule([ifCaptured, stateIs('invalid'), verdict('drop')], 'late segments of translated connections');
  return { ...input, rules: [late, ...input.rules] };
}

/** As in mode nftables; IPVS tells connection tracking where a connection leads, but not that it is translated. */
function masqueradeChains(fields: Fields, address: IpAddress | undefined): Chain[] {
  const each = (match: Statement, to: Statement, comment: string): Rule[] =>
    PROTOCOLS.map((protocol) => rule([protocolIs(protocol), match, to], comment));
  const elsewhere: readonly Statement[] = [
    inSet(fields.source, 'pod-cidrs'),
    notInSet(fields.source, 'node-pod-cidrs'),
    notInSet(fields.destination, 'node-pod-cidrs'),
  ];
  return [
    masquerading(fields, address),
    {
      name: 'masquerading-inward',
      rules: [
        rule([addressIs('saddr', 'local'), toMasquerade], 'from this node'),
        rule([...elsewhere, toMasquerade], 'from a pod of another node to an endpoint of another node'),
      ],
    },
    {
      name: 'postrouting',
      base: base('nat', 'postrouting', 100),
      rules: [
        rule([inSet(fields.bothEnds, 'hairpin'), toMasquerade], 'a pod through its own service'),
        ...each(inSet(fields.originalKey, 'masqueraded'), toMasquerade, 'external Cluster policy, or masqueradeAll'),
        ...each(inOwnSet(fields.originalKey, INWARD), goto('masquerading-inward'), 'external Local policy'),
        rule(
          [inSet(fields.originalDestination, 'cluster-ips'), notInSet(fields.source, 'pod-cidrs'), toMasquerade],
          'not from a pod',
        ),
      ],
    },
  ];
}
