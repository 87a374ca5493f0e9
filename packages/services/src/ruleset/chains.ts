import type { IpAddress } from '@podwire/base';
import type { Chain, Rule, Statement } from '@podwire/nft';
import {
  addressIsNot,
  bits,
  constant,
  equals,
  type Fields,
  goto,
  inSet,
  jump,
  MARK,
  notInSet,
  protocolIs,
  rule,
  stateIs,
  verdict,
} from './expressions.ts';
import { IPVS_MARK, IPVS_MARK_MASK } from './ipvs-mark.ts';

type Base = NonNullable<Chain['base']>;
export const base = (type: Base['type'], hook: Base['hook'], priority: number): Base => ({ type, hook, priority });

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
  const toIpvs = rule(
    [equals(bits(MARK, IPVS_MARK_MASK), IPVS_MARK), verdict('accept')],
    'to IPVS, also of another mode',
  );
  const rest = rule([jump('unserved')]);
  const invalid = rule([stateIs('invalid'), verdict('drop')], 'late segments of translated connections');
  return [
    { name: 'unserved', rules: unserved },
    { name: 'forward', base: base('filter', 'forward', -10), rules: [known, invalid, rest] },
    { name: 'filter-output', base: base('filter', 'output', -10), rules: [known, rest] },
    { name: 'input', base: base('filter', 'input', -10), rules: [known, toIpvs, rest] },
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
