import type { Family } from '@podwire/base';
import type { Chain, Expression, Rule, Statement, Verdict } from '@podwire/nft';
import { MAGLEV_SIZES } from '../choice/choice.ts';
import { base } from '../ruleset/chains.ts';
import {
  bits,
  constant,
  differs,
  equals,
  FIELDS,
  type Fields,
  goto,
  inSet,
  MARK,
  mapped,
  notInSet,
  rule,
  setMark,
  stateIs,
  verdict,
} from '../ruleset/expressions.ts';
import { DIRECT_MARK, DIRECT_MASK, HANDED_OVER } from './direct-layout.ts';
import type { DirectSet } from './direct-sets.ts';

type DirectProtocol = 'tcp' | 'udp';

/** The same on every node; another one than that of endpoints, which would be drawn in step. */
const HASH_SEED = 0x64737200;
/** Seconds that a connection is remembered without a packet of the client. */
const SECONDS = { opening: 120, tcp: 10_800, closing: 120, udp: 180 } as const;
/** FIN, SYN, RST and ACK. */
const TCP_FLAGS = { fin: 1, syn: 2, rst: 4, ack: 16 } as const;

const SIZES = [MAGLEV_SIZES.few, MAGLEV_SIZES.many];
const VERDICTS = new Map(
  (['tcp', 'udp'] as const).flatMap((protocol) =>
    SIZES.map((places): [string, Verdict] => {
      const chain = `direct-${protocol}-${places}`;
      return [chain, { kind: 'goto', chain }];
    }),
  ),
);

/** Where packets for a service address go whose Maglev table has so many places; the same object each time. */
export function directChain(protocol: DirectProtocol, places: number): Verdict {
  return VERDICTS.get(`direct-${protocol}-${places}`) ?? { kind: 'return' };
}

/**
 * What comes for a service with direct server return is handed to the node whose turn it is, or goes on here, where it is
 * translated for an endpoint of this node. A connection that this node tracks stays here, one that it hands over where it is;
 * a new one (SYN) is drawn. The original is dropped before its connection is confirmed, so that this node tracks none.
 *
 *   direct-prerouting -170 ─▶ direct-tcp-251 ─┬─▶ direct-known-tcp ──┬─▶ direct-send: DSCP, copy to the node, drop
 *        map direct                           ├─▶ direct-draw-tcp-251┤
 *                                             └─▶ (goes on here) ◀───┘
 */
export function directChains(family: Family): Chain[] {
  const fields = FIELDS[family];
  const protocols = ['tcp', 'udp'] as const;
  return [
    { name: 'direct-send', rules: sendRules(fields) },
    ...protocols.map((protocol) => ({ name: `direct-known-${protocol}`, rules: knownRules(protocol, fields) })),
    ...protocols.flatMap((protocol) =>
      SIZES.flatMap((places) => [
        { name: `direct-draw-${protocol}-${places}`, rules: drawRules(protocol, places, fields) },
        { name: `direct-${protocol}-${places}`, rules: entryRules(protocol, places, fields) },
      ]),
    ),
    {
      name: 'direct-prerouting',
      base: base('filter', 'prerouting', -170),
      rules: [rule([{ kind: 'vmap', key: fields.key, map: 'direct' }])],
    },
    {
      name: 'direct-output',
      base: base('filter', 'output', -310),
      rules: [
        rule([stateIs('untracked'), equals(bits(MARK, DIRECT_MASK), DIRECT_MARK), setMark(constant(0))], 'copies'),
      ],
    },
  ];
}

const dscp = ({ ip }: Fields) => `${ip} dscp` as const;
const setDscp = (fields: Fields, value: number): Statement => ({
  kind: 'set-payload',
  field: dscp(fields),
  to: constant(value),
});

/** What the client and the service address of a packet are, as the sets of connections have it. */
const flowOf = ({ source, destination }: Fields): Expression => {
  const port = (field: 'th sport' | 'th dport'): Expression => ({ kind: 'payload', field });
  return { kind: 'concat', parts: [source, port('th sport'), destination, port('th dport')] };
};
const nodeOf = (fields: Fields, protocol: DirectProtocol) =>
  ({ kind: 'map', key: flowOf(fields), map: `direct-${protocol}` satisfies DirectSet }) as const;
const isLive: Statement = { kind: 'lookup', key: MARK, set: 'direct-live' satisfies DirectSet };

function remember(fields: Fields, set: DirectSet, timeout?: number): Statement {
  const data = set === 'direct-closing' ? {} : { data: MARK };
  const key = flowOf(fields);
  return timeout === undefined
    ? { kind: 'update', op: 'delete', set, key, ...data }
    : { kind: 'update', op: 'update', set, key, ...data, timeout };
}

const flagsAre = (mask: number, op: '==' | '!=', flags: number): Statement => ({
  kind: 'match',
  left: bits({ kind: 'payload', field: 'tcp flags' }, mask),
  op,
  right: flags,
});

function entryRules(protocol: DirectProtocol, places: number, fields: Fields): Rule[] {
  const { fin, syn, rst, ack } = TCP_FLAGS;
  const draw = goto(`direct-draw-${protocol}-${places}`);
  const known = goto(`direct-known-${protocol}`);
  const isMember = inSet(fields.keyAndMark, 'direct-members');
  return [
    rule([equals({ kind: 'payload', field: dscp(fields) }, HANDED_OVER), verdict('return')], 'from another node'),
    rule([stateIs('established', 'related'), verdict('return')]),
    rule([inSet(fields.source, 'pod-cidrs'), verdict('return')]),
    rule([differs(MARK, 0), verdict('return')], 'a foreign mark'),
    ...(protocol === 'tcp' ? [rule([flagsAre(fin | syn | rst | ack, '==', syn), draw])] : []),
    rule([setMark(nodeOf(fields, protocol))]),
    rule([protocol === 'tcp' ? isLive : isMember, known]),
    rule([draw]),
  ];
}

/** With a full set a connection is not remembered and follows the table. */
function drawRules(protocol: DirectProtocol, places: number, fields: Fields): Rule[] {
  const set = `direct-${protocol}` as const;
  const { sourceAndPort: of } = fields;
  return [
    rule([inSet(fields.key, 'fenced'), notInSet(fields.sourceAndKey, 'sources'), verdict('drop')]),
    rule([remember(fields, set)]),
    ...(protocol === 'tcp' ? [rule([remember(fields, 'direct-closing')])] : []),
    rule([setMark({ kind: 'jhash', of, modulus: places, seed: HASH_SEED })]),
    rule([setMark(mapped(fields.keyAndMark, 'direct-places'))]),
    rule([isLive, remember(fields, set, protocol === 'tcp' ? SECONDS.opening : SECONDS.udp)]),
    rule([isLive, goto('direct-send')]),
    rule([setMark(constant(0))], 'it is the turn of this node'),
  ];
}

function knownRules(protocol: DirectProtocol, fields: Fields): Rule[] {
  const send = goto('direct-send');
  if (protocol === 'udp') return [rule([remember(fields, 'direct-udp', SECONDS.udp)]), rule([send])];
  const isClosing: Statement = { kind: 'lookup', key: flowOf(fields), set: 'direct-closing' satisfies DirectSet };
  const { fin, rst } = TCP_FLAGS;
  const closing = [
    remember(fields, 'direct-closing', SECONDS.closing),
    remember(fields, 'direct-tcp', SECONDS.closing),
  ];
  return [
    rule([flagsAre(fin | rst, '!=', 0), ...closing, send]),
    rule([isClosing, ...closing, send]),
    rule([remember(fields, 'direct-tcp', SECONDS.tcp)]),
    rule([send]),
  ];
}

function sendRules(fields: Fields): Rule[] {
  const to: Expression = { kind: 'map', key: MARK, map: 'direct-nodes' satisfies DirectSet };
  return [rule([setDscp(fields, HANDED_OVER), { kind: 'dup', to }, verdict('drop')], 'handed over to another node')];
}
