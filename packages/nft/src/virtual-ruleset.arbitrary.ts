import fc from 'fast-check';
import type { Chain, Expression, NamedSet, Rule, Statement, Table, TableFamily, Verdict } from './model.ts';
import type { VirtualPacket } from './virtual-packet.ts';

/**
 * Rulesets of a router whose effect on a packet nothing but the ruleset decides, and packets for them.
 *
 *   client r1 ── router ── r2 server      10.1.0.0/24, fd01::/64 ── 10.2.0.0/24, fd02::/64
 */
export const PORTS = [80, 81, 443, 8080] as const;
const port = fc.constantFrom(...PORTS);
const pick = <T>(...values: readonly T[]) => fc.constantFrom(...values);

type Net = 'ip' | 'ip6';
const client = (net: Net, n: number) => (net === 'ip' ? `10.1.0.${n}` : `fd01::${n}`);
const server = (net: Net, n: number) => (net === 'ip' ? `10.2.0.${n}` : `fd02::${n}`);
const host = fc.integer({ min: 2, max: 5 });

const payload = (field: Extract<Expression, { kind: 'payload' }>['field']): Expression => ({ kind: 'payload', field });
const meta = (key: Extract<Expression, { kind: 'meta' }>['key']): Expression => ({ kind: 'meta', key });
const ct = (key: Extract<Expression, { kind: 'ct' }>['key']): Expression => ({ kind: 'ct', key });
const is = (
  left: Expression,
  right: Extract<Statement, { kind: 'match' }>['right'],
  op: Extract<Statement, { kind: 'match' }>['op'] = '==',
): Statement => ({ kind: 'match', left, op, right });

const saddr = (net: Net) => payload(net === 'ip' ? 'ip saddr' : 'ip6 saddr');
const daddr = (net: Net) => payload(net === 'ip' ? 'ip daddr' : 'ip6 daddr');
const equality = pick<'==' | '!='>('==', '!=');
const prefixOf = (net: Net, n: number) => (net === 'ip' ? `10.1.0.${n & 252}/30` : `fd01::${n & 12}/126`);

/** One condition on a packet. */
function condition(net: Net, early: boolean): fc.Arbitrary<Statement> {
  const addresses = fc.oneof(
    fc.tuple(host, equality).map(([n, op]) => is(saddr(net), client(net, n), op)),
    fc.tuple(host, equality).map(([n, op]) => is(daddr(net), server(net, n), op)),
    fc.tuple(host, equality).map(([n, op]) => is(saddr(net), prefixOf(net, n), op)),
    fc.integer({ min: 3, max: 5 }).map((n) => is(saddr(net), [client(net, n), client(net, 2)])),
    fc.tuple(host, equality).map(([n, op]) => is(daddr(net), { from: server(net, 2), to: server(net, n) }, op)),
  );
  const fields = fc.oneof(
    fc
      .tuple(pick('tcp dport' as const, 'udp dport' as const), port, equality)
      .map(([field, p, op]) => is(payload(field), p, op)),
    fc.tuple(port, pick<'<' | '>='>('<', '>=')).map(([p, op]) => is(payload('tcp dport'), p, op)),
    pick('tcp', 'udp', net === 'ip' ? 'icmp' : 'icmpv6').map((protocol) => is(meta('l4proto'), protocol)),
    fc.constant(is(payload('tcp flags'), 'syn')),
    fc.constant(is({ kind: 'bitwise', of: payload('tcp flags'), mask: 0x12, xor: 0 }, ['syn'])),
    fc.integer({ min: 0, max: 3 }).map((mark) => is(meta('mark'), mark)),
    fc.integer({ min: 0, max: 3 }).map((mark) => is({ kind: 'bitwise', of: meta('mark'), mask: 2, xor: 0 }, mark & 2)),
    fc.tuple(pick('r1', 'r*', 'r2'), equality).map(([name, op]) => is(meta('iifname'), name, op)),
    fc.subarray([80, 443, 8080, 81] as number[], { minLength: 1 }).map(
      (ports): Statement => ({
        kind: 'lookup',
        key: { kind: 'concat', parts: [saddr(net), payload('tcp dport')] },
        set: 'peers',
        ...(ports.length > 2 && { invert: true }),
      }),
    ),
    fc.constant<Statement>({ kind: 'lookup', key: saddr(net), set: 'seen' }),
  );
  const connections = fc.oneof(
    fc
      .subarray(['new', 'established', 'related', 'invalid', 'untracked'], { minLength: 1 })
      .map((right) => is(ct('state'), right)),
    pick('original', 'reply').map((right) => is(ct('direction'), right)),
    fc.integer({ min: 0, max: 2 }).map((mark) => is(ct('mark'), mark)),
    fc.tuple(pick('dnat', 'snat'), equality).map(([status, op]) => is(ct('status'), status, op)),
    host.map((n) => is(ct(net === 'ip' ? 'original ip daddr' : 'original ip6 daddr'), server(net, n))),
  );
  return early ? fc.oneof(addresses, fields) : fc.oneof(addresses, fields, connections);
}

const verdict = (...kinds: readonly Verdict['kind'][]) =>
  pick(...kinds).map((kind): Statement => {
    const to: Verdict = kind === 'jump' || kind === 'goto' ? { kind, chain: 'sub' } : { kind };
    return { kind: 'verdict', verdict: to };
  });

/** What a rule of a filter chain does. */
function effect(net: Net, early: boolean, inSub: boolean): fc.Arbitrary<Statement> {
  const jumps = inSub ? (['return'] as const) : (['jump', 'goto'] as const);
  return fc.oneof(
    { weight: 4, arbitrary: verdict('accept', 'drop', 'accept', 'continue', ...jumps) },
    fc.integer({ min: 0, max: 3 }).map((mark): Statement => ({ kind: 'set-mark', to: { kind: 'value', value: mark } })),
    fc.constant<Statement>({ kind: 'set-mark', to: { kind: 'map', key: saddr(net), map: 'marks' } }),
    fc.constant<Statement>({ kind: 'update', op: 'add', set: 'seen', key: saddr(net) }),
    fc
      .integer({ min: 1, max: 4 })
      .map((burst): Statement => ({ kind: 'limit', rate: 1, per: 'week', burst, over: burst > 2 })),
    fc.integer({ min: 1, max: 5 }).map((n): Statement => ({ kind: 'quota', bytes: 90 * n, over: n > 2 })),
    ...(early
      ? [fc.constant<Statement>({ kind: 'notrack' })]
      : [
          fc
            .integer({ min: 0, max: 2 })
            .map((mark): Statement => ({ kind: 'set-ct-mark', to: { kind: 'value', value: mark } })),
          fc.constant<Statement>({ kind: 'set-mark', to: ct('mark') }),
        ]),
  );
}

const rejection = (net: Net) =>
  fc.oneof(
    pick('port-unreachable' as const, 'admin-prohibited' as const).map(
      (reason): Statement => ({ kind: 'reject', with: reason }),
    ),
    fc.constant<Statement>({ kind: 'reject', with: 'tcp-reset' }),
    fc.constant<Statement>({ kind: 'vmap', key: payload(net === 'ip' ? 'ip daddr' : 'ip6 daddr'), map: 'verdicts' }),
  );

function rule(net: Net, early: boolean, inSub = false): fc.Arbitrary<Rule> {
  const last =
    early || inSub
      ? effect(net, early, inSub)
      : fc.oneof({ weight: 3, arbitrary: effect(net, early, inSub) }, rejection(net));
  return fc
    .tuple(fc.array(condition(net, early), { minLength: 1, maxLength: 2 }), last)
    .map(([conditions, what]): Rule => {
      const statements: Statement[] = [...conditions, { kind: 'counter' }, what];
      return { statements: statements.filter(fitting(conditions)) };
    });
}

/** Nothing is two protocols at once, and nft refuses to ask for it: what differs from the first protocol is left out. */
function fitting(conditions: readonly Statement[]): (statement: Statement) => boolean {
  const protocolOf = (statement: Statement) => /"(tcp|udp|icmp|icmpv6)[- "]/.exec(JSON.stringify(statement))?.[1];
  const first = conditions.map(protocolOf).find((protocol) => protocol !== undefined);
  return (statement) => first === undefined || [undefined, first].includes(protocolOf(statement));
}

function setsOf(net: Net): NamedSet[] {
  const address = net === 'ip' ? 'ipv4_addr' : 'ipv6_addr';
  const drop: Verdict = { kind: 'drop' };
  return [
    {
      name: 'peers',
      key: [address, 'inet_service'],
      interval: true,
      elements: [{ key: [prefixOf(net, 4), { from: 80, to: 100 }] }, { key: [client(net, 2), 8080] }],
    },
    { name: 'seen', key: [address], dynamic: true, timeout: 3600, size: 3, elements: [] },
    {
      name: 'marks',
      key: [address],
      data: ['mark'],
      elements: [
        { key: [client(net, 2)], data: [1] },
        { key: [client(net, 3)], data: [2] },
      ],
    },
    {
      name: 'verdicts',
      key: [address],
      data: 'verdict',
      elements: [
        { key: [server(net, 2)], data: drop },
        { key: [server(net, 3)], data: { kind: 'jump', chain: 'sub' } },
      ],
    },
    {
      name: 'targets',
      key: [address, 'inet_service'],
      data: [address, 'inet_service'],
      elements: [
        { key: [server(net, 4), 80], data: [server(net, 2), 8080] },
        { key: [server(net, 5), 443], data: [server(net, 3), 80] },
      ],
    },
  ];
}

const rules = (one: fc.Arbitrary<Rule>, most: number) => fc.array(one, { minLength: 1, maxLength: most });

/** Translation of destinations; replies never come here. */
function destinations(net: Net): fc.Arbitrary<Rule> {
  const tcp = is(meta('l4proto'), 'tcp');
  return fc.oneof(
    fc.tuple(condition(net, true), host).map(
      ([when, n]): Rule => ({
        statements: [
          is(meta('iifname'), 'r1'),
          when,
          { kind: 'dnat', family: net, to: { kind: 'value', value: server(net, n) } },
        ],
      }),
    ),
    fc.tuple(port, host).map(
      ([p, n]): Rule => ({
        statements: [
          is(meta('iifname'), 'r1'),
          tcp,
          {
            kind: 'dnat',
            family: net,
            to: { kind: 'value', value: server(net, n) },
            port: { kind: 'value', value: p },
          },
        ],
      }),
    ),
    fc.constant<Rule>({
      statements: [
        is(meta('iifname'), 'r1'),
        tcp,
        {
          kind: 'dnat',
          family: net,
          to: { kind: 'map', key: { kind: 'concat', parts: [daddr(net), payload('th dport')] }, map: 'targets' },
        },
      ],
    }),
  );
}

function sources(net: Net): fc.Arbitrary<Rule> {
  const out = is(meta('oifname'), 'r2');
  return fc.oneof(
    fc.tuple(condition(net, true), host).map(
      ([when, n]): Rule => ({
        statements: [
          out,
          when,
          { kind: 'snat', family: net, to: { kind: 'value', value: net === 'ip' ? `10.3.0.${n}` : `fd03::${n}` } },
        ],
      }),
    ),
    condition(net, true).map((when): Rule => ({ statements: [out, when, { kind: 'masquerade' }] })),
  );
}

/** A table with chains at most of a router's hooks. */
export function routerTable(net: Net, name: string, shift: number): fc.Arbitrary<Table> {
  const family: fc.Arbitrary<TableFamily> = pick(net, 'inet');
  const chain = (name_: string, base: NonNullable<Chain['base']>, list: readonly Rule[]): Chain => ({
    name: name_,
    base: { ...base, priority: base.priority + shift },
    rules: list,
  });
  return fc
    .record({
      family,
      raw: rules(rule(net, true), 2),
      mangle: rules(rule(net, false), 2),
      forward: rules(rule(net, false), 5),
      sub: rules(rule(net, false, true), 3),
      pre: rules(destinations(net), 2),
      post: rules(sources(net), 2),
      policy: pick('accept' as const, 'accept' as const, 'drop' as const),
      without: fc.subarray(['raw', 'mangle', 'pre', 'post']),
    })
    .map(({ family: kind, raw, mangle, forward, sub, pre, post, policy, without }): Table => {
      const chains = [
        { name: 'sub', rules: sub },
        chain('raw', { type: 'filter', hook: 'prerouting', priority: -300 }, raw.filter(plain)),
        chain('mangle', { type: 'filter', hook: 'prerouting', priority: -150 }, mangle.filter(plain)),
        chain('pre', { type: 'nat', hook: 'prerouting', priority: -100 }, pre),
        chain('forward', { type: 'filter', hook: 'forward', priority: 0, policy }, forward),
        chain('post', { type: 'nat', hook: 'postrouting', priority: 100 }, post),
      ];
      return { family: kind, name, sets: setsOf(net), chains: chains.filter((one) => !without.includes(one.name)) };
    });
}

/** Sub chains may reject only where rejecting is allowed, so jumps stay in forward. */
const plain = ({ statements }: Rule): boolean =>
  statements.every((s) => s.kind !== 'reject' && s.kind !== 'vmap' && !(s.kind === 'verdict' && 'chain' in s.verdict));

/** Flows of a few hosts; the same flow comes several times. */
export function packets(net: Net, count: number): fc.Arbitrary<VirtualPacket[]> {
  const flow = fc
    .record({
      from: host,
      to: host,
      port,
      n: fc.integer({ min: 0, max: 9 }),
      kind: pick('tcp', 'ack', 'udp', 'icmp', 'tcp'),
    })
    .map(({ from, to, port: dport, n, kind }): VirtualPacket => {
      const base = { saddr: client(net, from), daddr: server(net, to), iifname: 'r1' };
      const sport = 10_000 + 1000 * from + 100 * to + 10 * PORTS.indexOf(dport) + n;
      if (kind === 'icmp') return { ...base, protocol: net === 'ip' ? 'icmp' : 'icmpv6', icmpId: sport };
      if (kind === 'udp') return { ...base, protocol: 'udp', sport, dport, length: net === 'ip' ? 32 : 52 };
      return {
        ...base,
        protocol: 'tcp',
        sport: kind === 'ack' ? sport + 20_000 : sport,
        dport,
        tcpFlags: [kind === 'ack' ? 'ack' : 'syn'],
      };
    });
  return fc
    .tuple(fc.array(flow, { minLength: 8, maxLength: 14 }), fc.array(fc.nat(), { minLength: count, maxLength: count }))
    .map(([flows, order]) => order.map((n) => withLength(flows[n % flows.length] as VirtualPacket, net)));
}

function withLength(packet: VirtualPacket, net: Net): VirtualPacket {
  return { ...packet, length: (net === 'ip' ? 20 : 40) + (packet.protocol === 'tcp' ? 20 : 12) };
}
