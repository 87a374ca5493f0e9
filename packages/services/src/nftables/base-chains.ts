import type { Family, IpAddress } from '@podwire/base';
import type { Chain, Rule, Statement } from '@podwire/nft';
import { hasLoopbackPorts } from '../loopback.ts';
import { type NodeModel, ofFamily } from '../model.ts';
import { base, entryChains, filterChains, masquerading, toMasquerade } from '../ruleset/chains.ts';
import {
  addressIs,
  bits,
  CT_MARK,
  constant,
  differs,
  equals,
  FIELDS,
  type Fields,
  inSet,
  isDnat,
  jump,
  MARK,
  mapped,
  notInSet,
  protocolIs,
  rule,
  setCtMark,
  setMark,
  verdict,
} from '../ruleset/expressions.ts';
import { KEEP_ALL, SAVED, saveMark } from '../ruleset/saved-mark.ts';
import { SCRATCH, SCRATCH_MASK } from './layout.ts';

const LOOPBACK = '127.0.0.0/8';
const ifScratch: Statement = equals(bits(MARK, SCRATCH_MASK), SCRATCH);
const toMap = (fields: Fields, map: 'svc' | 'inside'): Statement[] => [
  setMark(mapped(fields.key, map)),
  { kind: 'vmap', key: MARK, map: 'count' },
];
/**
 * The rules that never change with services (the README draws the hooks). They depend on the node's own address and on whether
 * it has node ports at loopback addresses.
 */
export function baseChains(node: NodeModel, family: Family): Chain[] {
  const fields = FIELDS[family];
  const [address] = ofFamily(node.addresses, family);
  const loopback = family === 'ipv4' && hasLoopbackPorts(node);
  return [
    ...entryChains(fields, loopback ? martianRules(fields) : []),
    ...natChains(fields),
    ...restoreChains(),
    ...filterChains(fields),
    ...masqueradeChains(fields, address, loopback ? [boundRule(fields)] : []),
  ];
}

/** What the kernel does not drop by itself when it routes packets of loopback addresses. */
function martianRules({ source, destination }: Fields): Rule[] {
  const fromWire = differs({ kind: 'meta', key: 'iifname' }, 'lo');
  return [source, destination].map((end) =>
    rule([fromWire, equals(end, LOOPBACK), verdict('drop')], 'loopback addresses are not for the wire'),
  );
}

/** In mode ebpf nothing is translated for a socket that was bound to 127.0.0.1 before it connected. */
function boundRule({ source }: Fields): Rule {
  const toWire = differs({ kind: 'meta', key: 'oifname' }, 'lo');
  return rule([toWire, equals(source, LOOPBACK), toMasquerade], 'from a loopback address');
}

function natChains(fields: Fields): Chain[] {
  const services: Rule[] = [
    rule([differs(MARK, 0), inSet(fields.destination, 'cluster-ips'), saveMark], 'keep a foreign mark'),
    rule([differs(MARK, 0), inSet(fields.destination, 'external-ips'), saveMark], 'keep a foreign mark'),
  ];
  return [
    { name: 'save-mark', rules: services },
    // one rule for all: the kernel looks at every element of a map for each rule that uses it
    { name: 'to-endpoint', rules: [rule([fields.toEndpoint])] },
    { name: 'inside-services', rules: [rule(toMap(fields, 'inside'))] },
    {
      name: 'prerouting',
      base: base('nat', 'prerouting', -100),
      rules: [
        rule([jump('save-mark')]),
        rule([inSet(fields.source, 'pod-cidrs'), jump('inside-services')]),
        rule(toMap(fields, 'svc')),
      ],
    },
    {
      name: 'output',
      base: base('nat', 'output', -100),
      rules: [rule([jump('save-mark')]), rule([jump('inside-services')]), rule(toMap(fields, 'svc'))],
    },
  ];
}

/** Directly behind the nat chains, before routing reads the mark; type route routes again when it changes. */
function restoreChains(): Chain[] {
  return [
    {
      name: 'restore-mark',
      rules: [
        rule([
          equals(bits(CT_MARK, SAVED), SAVED),
          setMark(bits(CT_MARK, KEEP_ALL - SAVED)),
          setCtMark(constant(0)),
          verdict('accept'),
        ]),
        rule([setMark(constant(0))]),
      ],
    },
    {
      name: 'restore-prerouting',
      base: base('filter', 'prerouting', -99),
      rules: [rule([ifScratch, jump('restore-mark')])],
    },
    { name: 'restore-output', base: base('route', 'output', -99), rules: [rule([ifScratch, jump('restore-mark')])] },
  ];
}

function masqueradeChains(fields: Fields, address: IpAddress | undefined, more: readonly Rule[]): Chain[] {
  const rules = [...insideRules(fields), ...externalRules(fields), ...more];
  return [masquerading(fields, address), { name: 'postrouting', base: base('nat', 'postrouting', 100), rules }];
}

const PROTOCOLS = ['tcp', 'udp', 'sctp'] as const;

/** Whose source is replaced (SVC-7, SVC-8): only what would not find back, or what an external Cluster policy asks for. */
function insideRules({ bothEnds, originalKey, originalDestination, source }: Fields): Rule[] {
  const fromOutside = [inSet(originalDestination, 'cluster-ips'), notInSet(source, 'pod-cidrs')];
  return [
    rule([isDnat, inSet(bothEnds, 'hairpin'), toMasquerade], 'a pod through its own service'),
    ...PROTOCOLS.map((protocol) =>
      rule(
        [isDnat, protocolIs(protocol), inSet(originalKey, 'masqueraded'), toMasquerade],
        'external Cluster policy, or masqueradeAll',
      ),
    ),
    rule([isDnat, ...fromOutside, toMasquerade], 'not from a pod'),
  ];
}

/** A pod of another node that uses all endpoints of a Local policy here (SVC-13) would get its replies past this node. */
function externalRules({ originalDestination, source, destination }: Fields): Rule[] {
  const external = inSet(originalDestination, 'external-ips');
  const between = [
    inSet(source, 'pod-cidrs'),
    notInSet(source, 'node-pod-cidrs'),
    notInSet(destination, 'node-pod-cidrs'),
  ];
  return [
    rule([isDnat, addressIs('saddr', 'local'), external, toMasquerade], 'from this node'),
    rule([isDnat, external, ...between, toMasquerade], 'from a pod of another node to an endpoint of another node'),
  ];
}
