import type { Family, IpAddress } from '@podwire/base';
import type { Chain, Rule, Statement } from '@podwire/nft';
import { hasLoopbackPorts } from '../loopback.ts';
import { type NodeModel, ofFamily } from '../model.ts';
import {
  addressIs,
  addressIsNot,
  bits,
  CT_MARK,
  constant,
  differs,
  equals,
  FIELDS,
  type Fields,
  goto,
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
  stateIs,
  verdict,
} from './expressions.ts';
import { SAVED, SCRATCH, SCRATCH_MASK } from './layout.ts';

type Base = NonNullable<Chain['base']>;
export const base = (type: Base['type'], hook: Base['hook'], priority: number): Base => ({ type, hook, priority });

const LOOPBACK = '127.0.0.0/8';
export const KEEP_ALL = 0xffffffff;
const ifScratch: Statement = equals(bits(MARK, SCRATCH_MASK), SCRATCH);
const toMap = (fields: Fields, map: 'svc' | 'inside'): Statement[] => [
  setMark(mapped(fields.key, map)),
  { kind: 'vmap', key: MARK, map: 'count' },
];
export const saveMark: Statement = setCtMark(bits(MARK, KEEP_ALL - SAVED, SAVED));

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

/** Before DNAT: who may use load-balancer addresses (SVC-17). */
export function entryChains(fields: Fields, fromWire: readonly Rule[] = []): Chain[] {
  const rules = [
    rule([stateIs('new'), inSet(fields.key, 'fenced'), notInSet(fields.sourceAndKey, 'sources'), verdict('drop')]),
  ];
  return [
    { name: 'fence-prerouting', base: base('filter', 'prerouting', -110), rules: [...fromWire, ...rules] },
    { name: 'fence-output', base: base('filter', 'output', -110), rules },
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

/** What no endpoint took: dropped, refused, or none of our business. Before policy (priority 0). */
export function filterChains(fields: Fields): Chain[] {
  const refuse = (match: Statement): Rule[] => [
    rule([protocolIs('tcp'), match, { kind: 'reject', with: 'tcp-reset' }]),
    rule([match, { kind: 'reject', with: 'port-unreachable' }]),
  ];
  const unserved: Rule[] = [
    rule([inSet(fields.key, 'dropped'), verdict('drop')], 'endpoints on other nodes only'),
    ...refuse(inSet(fields.key, 'rejected')),
    ...refuse(inSet(fields.destination, 'cluster-ips')),
    rule([inSet(fields.destination, 'foreign-ips'), verdict('return')]),
    rule(
      [inSet(fields.destination, 'service-cidrs'), addressIsNot('daddr', 'local'), verdict('drop')],
      'not allocated',
    ),
  ];
  const known = rule([stateIs('established', 'related'), verdict('accept')]);
  const rest = rule([jump('unserved')]);
  const invalid = rule([stateIs('invalid'), verdict('drop')], 'late segments of translated connections');
  return [
    { name: 'unserved', rules: unserved },
    { name: 'forward', base: base('filter', 'forward', -10), rules: [known, invalid, rest] },
    { name: 'filter-output', base: base('filter', 'output', -10), rules: [known, rest] },
    { name: 'input', base: base('filter', 'input', -10), rules: [known, rest] },
  ];
}

export const toMasquerade = goto('masquerading');

export function masquerading(fields: Fields, address: IpAddress | undefined): Chain {
  const own: Rule[] = address
    ? [
        rule(
          [inSet(fields.destination, 'node-pod-cidrs'), { kind: 'snat', family: fields.ip, to: constant(address) }],
          'links of pods have no address',
        ),
      ]
    : [];
  return { name: 'masquerading', rules: [...own, rule([{ kind: 'masquerade' }])] };
}

/**
 * Whose source is replaced (SVC-7, SVC-8): only what would not find back, or what an external Cluster policy asks for. A pod
 * of another node that uses all endpoints of a Local policy here (SVC-13) would get its replies past this node.
 */
function masqueradeChains(fields: Fields, address: IpAddress | undefined, more: readonly Rule[]): Chain[] {
  const external = ['tcp', 'udp', 'sctp'].map((protocol) =>
    rule(
      [isDnat, protocolIs(protocol), inSet(fields.originalKey, 'masqueraded'), toMasquerade],
      'external Cluster policy, or masqueradeAll',
    ),
  );
  return [
    masquerading(fields, address),
    {
      name: 'postrouting',
      base: base('nat', 'postrouting', 100),
      rules: [
        rule([isDnat, inSet(fields.bothEnds, 'hairpin'), toMasquerade], 'a pod through its own service'),
        ...external,
        rule(
          [
            isDnat,
            inSet(fields.originalDestination, 'service-cidrs'),
            notInSet(fields.source, 'pod-cidrs'),
            toMasquerade,
          ],
          'not from a pod',
        ),
        rule(
          [isDnat, addressIs('saddr', 'local'), inSet(fields.originalDestination, 'external-ips'), toMasquerade],
          'from this node',
        ),
        rule(
          [
            isDnat,
            inSet(fields.originalDestination, 'external-ips'),
            inSet(fields.source, 'pod-cidrs'),
            notInSet(fields.source, 'node-pod-cidrs'),
            notInSet(fields.destination, 'node-pod-cidrs'),
            toMasquerade,
          ],
          'from a pod of another node to an endpoint of another node',
        ),
        ...more,
      ],
    },
  ];
}
