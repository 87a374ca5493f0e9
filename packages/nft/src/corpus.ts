import { STATEMENT_TABLES } from './corpus-statement.ts';
import type { Expression, Rule, Statement, Table } from './model.ts';

/** Tables that together use every part of the model; the tests print, load and read them back. */
const value = (v: string | number): Expression => ({ kind: 'value', value: v });
const payload = (field: Extract<Expression, { kind: 'payload' }>['field']): Expression => ({ kind: 'payload', field });
const meta = (key: Extract<Expression, { kind: 'meta' }>['key']): Expression => ({ kind: 'meta', key });
const ct = (key: Extract<Expression, { kind: 'ct' }>['key']): Expression => ({ kind: 'ct', key });
const concat = (...parts: Expression[]): Expression => ({ kind: 'concat', parts });
const is = (
  left: Expression,
  right: Extract<Statement, { kind: 'match' }>['right'],
  op: Extract<Statement, { kind: 'match' }>['op'] = '==',
): Statement => ({ kind: 'match', left, op, right });
const rule = (...statements: Statement[]): Rule => ({ statements });
const tcp = is(meta('l4proto'), 'tcp');
const serviceKey = concat(payload('ip daddr'), meta('l4proto'), payload('th dport'));

const filter: Table = {
  family: 'ip',
  name: 'filter-v4',
  comment: 'everything a filter rule can say',
  sets: [
    {
      name: 'pods',
      key: ['ipv4_addr'],
      elements: [{ key: ['10.0.0.1'], comment: 'a "quoted" pod' }, { key: ['10.0.0.2'] }],
      comment: 'pod addresses',
    },
    {
      name: 'cidrs',
      key: ['ipv4_addr'],
      interval: true,
      elements: [
        { key: ['10.1.0.0/16'] },
        { key: [{ from: '10.3.0.1', to: '10.3.0.9' }] },
        { key: ['10.9.9.9'] },
        { key: ['255.0.0.0/8'] },
        { key: ['0.0.0.0/8'] },
      ],
    },
    {
      name: 'peers',
      key: ['ipv4_addr', 'inet_proto', 'inet_service'],
      interval: true,
      elements: [
        { key: ['10.2.0.0/16', 'tcp', { from: 9000, to: 9010 }] },
        { key: ['10.4.0.1', 'udp', 53] },
        { key: ['0.0.0.0/0', 'sctp', { from: 0, to: 65535 }] },
      ],
    },
    {
      name: 'ports',
      key: ['inet_service'],
      interval: true,
      elements: [{ key: [80] }, { key: [{ from: 8000, to: 8080 }] }, { key: [{ from: 65000, to: 65535 }] }],
    },
    { name: 'seen', key: ['ipv4_addr'], dynamic: true, timeout: 60, size: 1000, elements: [] },
    {
      name: 'leases',
      key: ['ipv4_addr', 'inet_service'],
      hasTimeouts: true,
      elements: [{ key: ['10.0.0.9', 80], timeout: 3600 }],
    },
    { name: 'counted', key: ['ether_addr'], counter: true, elements: [{ key: ['02:00:00:00:00:01'] }] },
    { name: 'links', key: ['ifname', 'ipv4_addr'], elements: [{ key: ['pwp0', '10.0.0.1'] }] },
    { name: 'marks', key: ['mark'], elements: [{ key: [5] }, { key: [0x10000] }] },
    { name: 'icmps', key: ['icmp_type'], elements: [{ key: ['echo-request'] }] },
    {
      name: 'to-chain',
      key: ['ipv4_addr'],
      data: 'verdict',
      elements: [
        { key: ['10.0.0.1'], data: { kind: 'goto', chain: 'sub' } },
        { key: ['10.0.0.2'], data: { kind: 'drop' } },
        { key: ['10.0.0.3'], data: { kind: 'jump', chain: 'sub' }, comment: 'third' },
      ],
    },
    {
      name: 'pair-chain',
      key: ['ipv4_addr', 'ifname'],
      data: 'verdict',
      elements: [
        { key: ['10.0.0.1', 'eth0'], data: { kind: 'return' } },
        { key: ['10.0.0.1', 'eth1'], data: { kind: 'accept' } },
      ],
    },
    {
      name: 'class',
      key: ['ipv4_addr'],
      data: ['mark'],
      interval: true,
      elements: [{ key: ['10.6.0.0/24'], data: [7] }],
    },
  ],
  chains: [
    {
      name: 'sub',
      rules: [rule({ kind: 'counter' }, { kind: 'verdict', verdict: { kind: 'return' } })],
      comment: 'a plain chain',
    },
    {
      name: 'forward',
      base: { type: 'filter', hook: 'forward', priority: 0, policy: 'drop' },
      rules: [
        {
          statements: [is(ct('state'), ['established', 'related']), { kind: 'verdict', verdict: { kind: 'accept' } }],
          comment: 'replies "pass"\n',
        },
        rule(
          is(ct('state'), ['established', 'related'], '!='),
          is(ct('status'), 'dnat', '!='),
          is(payload('tcp flags'), ['syn', 'ack'], '!='),
          { kind: 'counter' },
        ),
        rule(is(ct('state'), 'invalid'), { kind: 'verdict', verdict: { kind: 'drop' } }),
        rule(is(ct('status'), ['dnat']), { kind: 'verdict', verdict: { kind: 'accept' } }),
        rule(is(ct('status'), 'snat'), is(ct('direction'), 'reply'), { kind: 'counter' }),
        rule(
          is(ct('mark'), 7),
          is(ct('original ip daddr'), '10.96.0.1'),
          is(ct('original protocol'), 'tcp'),
          is(ct('original proto-dst'), 80),
          { kind: 'counter' },
        ),
        rule(is(ct('original ip saddr'), '10.96.0.0/12'), { kind: 'counter' }),
        rule(
          { kind: 'lookup', key: payload('ip saddr'), set: 'pods' },
          { kind: 'verdict', verdict: { kind: 'jump', chain: 'sub' } },
        ),
        rule(
          { kind: 'lookup', key: payload('ip saddr'), set: 'cidrs', invert: true },
          { kind: 'verdict', verdict: { kind: 'goto', chain: 'sub' } },
        ),
        rule({ kind: 'lookup', key: serviceKey, set: 'peers' }, { kind: 'verdict', verdict: { kind: 'accept' } }),
        rule(
          tcp,
          { kind: 'lookup', key: payload('th dport'), set: 'ports' },
          { kind: 'verdict', verdict: { kind: 'continue' } },
        ),
        rule({ kind: 'vmap', key: payload('ip daddr'), map: 'to-chain' }),
        rule({ kind: 'vmap', key: concat(payload('ip daddr'), meta('iifname')), map: 'pair-chain' }),
        rule({ kind: 'lookup', key: meta('mark'), set: 'marks' }, { kind: 'counter' }),
        rule({ kind: 'lookup', key: payload('icmp type'), set: 'icmps' }, { kind: 'counter' }),
        rule({ kind: 'lookup', key: concat(meta('iifname'), payload('ip saddr')), set: 'links' }, { kind: 'counter' }),
        rule({ kind: 'lookup', key: payload('ether saddr'), set: 'counted' }, { kind: 'counter' }),
        rule(is(payload('ip saddr'), '10.244.0.0/16'), is(payload('ip daddr'), '10.244.0.0/12', '!='), {
          kind: 'counter',
        }),
        rule(
          is(payload('ip saddr'), { from: '10.0.0.5', to: '10.0.0.8' }),
          is(payload('ip daddr'), { from: '10.0.0.5', to: '10.0.0.8' }, '!='),
          { kind: 'counter' },
        ),
        rule(is(payload('ip saddr'), ['10.0.0.5', '10.0.0.7']), { kind: 'counter' }),
        rule(is(payload('ip saddr'), ['10.0.0.0/24', '10.7.0.0/16', { from: '10.9.0.1', to: '10.9.0.4' }], '!='), {
          kind: 'counter',
        }),
        rule(is(payload('ip protocol'), 'udp'), is(payload('ip ttl'), 2, '<'), is(payload('ip ttl'), 1, '!='), {
          kind: 'counter',
        }),
        rule(is(payload('ip ttl'), 64, '>='), is(meta('length'), 1000, '>'), { kind: 'counter' }),
        rule(
          tcp,
          is(payload('th sport'), { from: 1024, to: 65535 }),
          is(payload('th dport'), [80, 443, { from: 8000, to: 8010 }]),
          { kind: 'counter' },
        ),
        rule(is(payload('tcp flags'), 'syn'), is(payload('tcp flags'), ['syn', 'rst']), { kind: 'counter' }),
        rule(
          is(payload('icmp type'), 'echo-request'),
          { kind: 'limit', rate: 10, per: 'second', burst: 20 },
          { kind: 'verdict', verdict: { kind: 'accept' } },
        ),
        rule({ kind: 'limit', rate: 5, per: 'minute', over: true }, { kind: 'verdict', verdict: { kind: 'drop' } }),
        rule({ kind: 'limit', rate: 100, per: 'hour' }, { kind: 'log', prefix: 'pw "drop": ', group: 5 }),
        rule(
          { kind: 'log', prefix: 'plain ' },
          { kind: 'quota', bytes: 1_000_000, over: true },
          { kind: 'verdict', verdict: { kind: 'drop' } },
        ),
        rule({ kind: 'quota', bytes: 4096 }, { kind: 'counter' }),
        rule(is(meta('iifname'), 'eth0'), is(meta('oifname'), 'pwp*', '!='), { kind: 'counter' }),
        rule(is(meta('iifname'), ['eth0', 'eth1']), is(meta('oif'), 1), is(meta('iif'), 1, '!='), { kind: 'counter' }),
        rule(is(meta('mark'), 0x10000), { kind: 'counter' }),
        rule(is(meta('mark'), 9, '>'), { kind: 'counter' }),
        rule(is({ kind: 'bitwise', of: meta('mark'), mask: 0x10000, xor: 0 }, 0x10000), { kind: 'counter' }),
        rule(is({ kind: 'bitwise', of: meta('mark'), mask: 0xff, xor: 0 }, 3, '!='), { kind: 'counter' }),
        rule(is(meta('pkttype'), 'broadcast'), { kind: 'counter' }),
        rule(is(meta('l4proto'), ['tcp', 'udp', 'sctp']), { kind: 'counter' }),
        rule({ kind: 'update', op: 'update', set: 'seen', key: payload('ip saddr'), timeout: 30 }),
        rule({ kind: 'update', op: 'add', set: 'seen', key: payload('ip saddr') }),
        rule({ kind: 'update', op: 'delete', set: 'seen', key: payload('ip saddr') }),
        rule({ kind: 'set-mark', to: { kind: 'map', key: payload('ip saddr'), map: 'class' } }),
        rule({ kind: 'set-mark', to: value(0x20000) }, { kind: 'set-ct-mark', to: value(3) }),
        rule({ kind: 'set-mark', to: { kind: 'bitwise', of: meta('mark'), mask: 0xffff0000, xor: 0x10000 } }),
        rule({ kind: 'set-mark', to: { kind: 'bitwise', of: meta('mark'), mask: 0xffff, xor: 0 } }),
        rule({ kind: 'set-ct-mark', to: meta('mark') }, { kind: 'set-mark', to: ct('mark') }),
        rule({ kind: 'set-mark', to: { kind: 'numgen', mode: 'random', modulus: 4 } }),
        rule({ kind: 'set-mark', to: { kind: 'numgen', mode: 'inc', modulus: 4, offset: 10 } }),
        rule({
          kind: 'set-mark',
          to: {
            kind: 'jhash',
            of: concat(payload('ip saddr'), payload('ip daddr')),
            modulus: 8,
            seed: 0xbeef,
            offset: 1,
          },
        }),
        rule({ kind: 'set-mark', to: { kind: 'jhash', of: payload('ip saddr'), modulus: 8, seed: 0xbeef } }),
        rule(tcp, { kind: 'reject', with: 'tcp-reset' }),
        rule({ kind: 'reject', with: 'port-unreachable' }),
        rule({ kind: 'reject', with: 'host-unreachable' }),
        rule({ kind: 'reject', with: 'admin-prohibited' }),
      ],
    },
    {
      name: 'raw',
      base: { type: 'filter', hook: 'prerouting', priority: -300 },
      rules: [
        rule(is({ kind: 'fib', flags: ['saddr', 'iif'], result: 'oif' }, 'missing'), {
          kind: 'verdict',
          verdict: { kind: 'drop' },
        }),
        rule(is({ kind: 'fib', flags: ['saddr', 'iif'], result: 'oif' }, 'exists'), { kind: 'counter' }),
        rule(is({ kind: 'fib', flags: ['daddr'], result: 'type' }, 'local'), { kind: 'counter' }),
        rule(is({ kind: 'fib', flags: ['daddr', 'iif'], result: 'type' }, ['local', 'broadcast']), { kind: 'counter' }),
        rule(is({ kind: 'fib', flags: ['saddr', 'mark'], result: 'oifname' }, 'eth0'), { kind: 'counter' }),
        rule(is(payload('ip daddr'), '192.0.2.1'), { kind: 'notrack' }),
        rule(tcp, { kind: 'verdict', verdict: { kind: 'accept' } }),
      ],
    },
    {
      name: 'proxy',
      base: { type: 'filter', hook: 'prerouting', priority: -150, policy: 'accept' },
      rules: [
        rule(tcp, { kind: 'tproxy', family: 'ip', address: '127.0.0.1', port: 8080 }),
        rule(tcp, { kind: 'tproxy', family: 'ip', port: 8081 }),
      ],
    },
    {
      name: 'mangle-out',
      base: { type: 'route', hook: 'output', priority: -150 },
      rules: [rule(is(meta('skuid'), 0), { kind: 'set-mark', to: value(1) })],
    },
  ],
};

const nat: Table = {
  family: 'ip',
  name: 'nat-v4',
  sets: [
    {
      name: 'svc',
      key: ['ipv4_addr', 'inet_proto', 'inet_service'],
      data: ['mark'],
      elements: [
        { key: ['10.96.0.1', 'tcp', 443], data: [2] },
        { key: ['10.96.0.10', 'udp', 53], data: [1] },
      ],
    },
    {
      name: 'cnt',
      key: ['mark'],
      data: 'verdict',
      elements: [
        { key: [1], data: { kind: 'goto', chain: 'n1' } },
        { key: [2], data: { kind: 'goto', chain: 'n2' } },
      ],
    },
    {
      name: 'ep',
      key: ['ipv4_addr', 'inet_proto', 'inet_service', 'mark'],
      data: ['ipv4_addr', 'inet_service'],
      elements: [
        { key: ['10.96.0.1', 'tcp', 443, 0], data: ['172.30.0.1', 6443] },
        { key: ['10.96.0.1', 'tcp', 443, 1], data: ['172.30.0.2', 6443] },
      ],
    },
    {
      name: 'addresses',
      key: ['ipv4_addr'],
      data: ['ipv4_addr'],
      elements: [{ key: ['203.0.113.5'], data: ['10.0.0.5'] }],
    },
    {
      name: 'affinity',
      key: ['ipv4_addr', 'ipv4_addr', 'inet_service'],
      data: ['mark'],
      dynamic: true,
      hasTimeouts: true,
      size: 65536,
      elements: [],
    },
  ],
  chains: [
    {
      name: 'n1',
      rules: [
        rule({ kind: 'set-mark', to: value(0) }),
        rule({
          kind: 'dnat',
          family: 'ip',
          to: {
            kind: 'map',
            key: concat(payload('ip daddr'), meta('l4proto'), payload('th dport'), meta('mark')),
            map: 'ep',
          },
          withPort: true,
        }),
      ],
    },
    {
      name: 'n2',
      rules: [
        rule({ kind: 'set-mark', to: { kind: 'numgen', mode: 'random', modulus: 2 } }),
        rule({
          kind: 'update',
          op: 'update',
          set: 'affinity',
          key: concat(payload('ip saddr'), payload('ip daddr'), payload('th dport')),
          data: meta('mark'),
          timeout: 10800,
        }),
        rule({
          kind: 'dnat',
          family: 'ip',
          to: {
            kind: 'map',
            key: concat(payload('ip daddr'), meta('l4proto'), payload('th dport'), meta('mark')),
            map: 'ep',
          },
        }),
      ],
    },
    {
      name: 'prerouting',
      base: { type: 'nat', hook: 'prerouting', priority: -100 },
      rules: [
        rule(
          { kind: 'set-mark', to: { kind: 'map', key: serviceKey, map: 'svc' } },
          { kind: 'vmap', key: meta('mark'), map: 'cnt' },
        ),
        rule({ kind: 'dnat', family: 'ip', to: { kind: 'map', key: payload('ip daddr'), map: 'addresses' } }),
        rule(tcp, is(payload('th dport'), 8080), {
          kind: 'dnat',
          family: 'ip',
          to: value('10.0.0.9'),
          port: value(80),
        }),
        rule(tcp, is(payload('th dport'), 8081), { kind: 'redirect', port: 81 }),
        rule({ kind: 'redirect' }),
      ],
    },
    {
      name: 'postrouting',
      base: { type: 'nat', hook: 'postrouting', priority: 100 },
      rules: [
        rule(is(payload('ip saddr'), '10.0.0.3'), { kind: 'snat', family: 'ip', to: value('192.0.2.7') }),
        rule(is(payload('ip saddr'), '10.0.0.4'), { kind: 'masquerade', fullyRandom: true }),
        rule({ kind: 'masquerade' }),
      ],
    },
  ],
};

const six: Table = {
  family: 'ip6',
  name: 'six',
  sets: [
    { name: 'pods', key: ['ipv6_addr'], elements: [{ key: ['fd00::1'] }] },
    { name: 'blocks', key: ['ipv6_addr'], interval: true, elements: [{ key: ['fd00:1::/32'] }] },
    {
      name: 'peers',
      key: ['ipv6_addr', 'inet_service'],
      interval: true,
      elements: [{ key: ['fd00:2::/64', { from: 1, to: 9 }] }],
    },
    { name: 'types', key: ['icmpv6_type'], elements: [{ key: ['nd-neighbor-solicit'] }] },
  ],
  chains: [
    {
      name: 'forward',
      base: { type: 'filter', hook: 'forward', priority: 10 },
      rules: [
        rule(
          { kind: 'lookup', key: payload('ip6 saddr'), set: 'pods' },
          { kind: 'verdict', verdict: { kind: 'accept' } },
        ),
        rule({ kind: 'lookup', key: payload('ip6 daddr'), set: 'blocks' }, { kind: 'counter' }),
        rule(
          { kind: 'lookup', key: concat(payload('ip6 daddr'), payload('th dport')), set: 'peers' },
          { kind: 'counter' },
        ),
        rule(
          { kind: 'lookup', key: payload('icmpv6 type'), set: 'types' },
          { kind: 'verdict', verdict: { kind: 'accept' } },
        ),
        rule(is(payload('ip6 nexthdr'), 'tcp'), is(payload('ip6 saddr'), 'fd00::/13'), { kind: 'counter' }),
        rule({ kind: 'reject', with: 'host-unreachable' }),
        rule({ kind: 'reject', with: 'port-unreachable' }),
      ],
    },
    {
      name: 'nat',
      base: { type: 'nat', hook: 'prerouting', priority: -100 },
      rules: [
        rule(tcp, { kind: 'dnat', family: 'ip6', to: value('fd00::5'), port: value(80) }),
        rule({ kind: 'dnat', family: 'ip6', to: value('fd00::6') }),
      ],
    },
  ],
};

const inet: Table = {
  family: 'inet',
  name: 'both',
  sets: [],
  chains: [
    {
      name: 'input',
      base: { type: 'filter', hook: 'input', priority: 0 },
      rules: [
        rule(is(payload('ip saddr'), '10.0.0.1'), { kind: 'counter' }),
        rule(is(payload('ip6 saddr'), 'fd00::1'), { kind: 'counter' }),
        rule(is(meta('protocol'), 'ip'), { kind: 'counter' }),
        rule(is(meta('nfproto'), 'ipv4'), is(payload('ip daddr'), '10.0.0.1'), is(payload('icmp type'), 'echo-reply'), {
          kind: 'counter',
        }),
        rule(is(payload('icmpv6 type'), ['nd-neighbor-solicit', 'nd-neighbor-advert']), {
          kind: 'verdict',
          verdict: { kind: 'accept' },
        }),
        rule({ kind: 'reject', with: 'port-unreachable' }),
        rule({ kind: 'reject', with: 'admin-prohibited' }),
      ],
    },
  ],
};

const arp: Table = {
  family: 'arp',
  name: 'arps',
  sets: [],
  chains: [
    {
      name: 'input',
      base: { type: 'filter', hook: 'input', priority: 0 },
      rules: [
        rule(
          is(payload('arp operation'), 'request'),
          is(payload('arp saddr ip'), '10.0.0.1'),
          is(payload('arp daddr ip'), '10.0.0.2'),
          { kind: 'verdict', verdict: { kind: 'drop' } },
        ),
        rule(is(payload('arp saddr ether'), '02:00:00:00:00:09'), { kind: 'counter' }),
      ],
    },
  ],
};

const bridge: Table = {
  family: 'bridge',
  name: 'bridges',
  sets: [],
  chains: [
    {
      name: 'forward',
      base: { type: 'filter', hook: 'forward', priority: -200 },
      rules: [
        rule(is(payload('ether saddr'), '02:00:00:00:00:01'), is(payload('ether daddr'), 'ff:ff:ff:ff:ff:ff', '!='), {
          kind: 'verdict',
          verdict: { kind: 'drop' },
        }),
        rule(is(payload('ether type'), 'arp'), { kind: 'counter' }),
        rule(is(payload('ip saddr'), '10.0.0.1'), { kind: 'counter' }),
      ],
    },
  ],
};

const netdev: Table = {
  family: 'netdev',
  name: 'edge',
  sets: [],
  chains: [
    {
      name: 'in',
      base: { type: 'filter', hook: 'ingress', device: 'lo', priority: 0 },
      rules: [rule(is(payload('ip saddr'), '192.0.2.0/24'), { kind: 'verdict', verdict: { kind: 'drop' } })],
    },
  ],
};

const zoneAndPort = concat(meta('mark'), payload('tcp dport'));
/** Numbers in the host's order, and names with a star, in sets with ranges. */
const ordered: Table = {
  family: 'inet',
  name: 'ordered',
  sets: [
    { name: 'marks', key: ['mark'], interval: true, elements: [{ key: [5] }, { key: [{ from: 255, to: 70_000 }] }] },
    {
      name: 'links',
      key: ['ifname', 'mark'],
      interval: true,
      elements: [{ key: ['veth*', { from: 1, to: 256 }] }, { key: ['lo', 7] }],
    },
    { name: 'names', key: ['ifname'], interval: true, elements: [{ key: ['veth*'] }, { key: ['lo'] }] },
    {
      name: 'remarks',
      key: ['mark'],
      data: ['mark'],
      interval: true,
      elements: [{ key: [{ from: 1, to: 0x1_0000 }], data: [9] }],
    },
    {
      name: 'verdicts',
      key: ['uid'],
      data: 'verdict',
      interval: true,
      elements: [{ key: [{ from: 1000, to: 60_000 }], data: { kind: 'accept' } }],
    },
  ],
  chains: [
    {
      name: 'everything',
      rules: [
        rule({ kind: 'lookup', key: meta('mark'), set: 'marks' }),
        rule({ kind: 'lookup', key: concat(meta('iifname'), meta('mark')), set: 'links' }),
        rule({ kind: 'lookup', key: meta('oifname'), set: 'names', invert: true }),
        rule({ kind: 'vmap', key: meta('skuid'), map: 'verdicts' }),
        rule({ kind: 'set-mark', to: { kind: 'map', key: ct('mark'), map: 'remarks' } }),
        rule(is(meta('iifname'), ['veth*', 'lo'])),
        rule(is(meta('iifname'), 'd\u00e9*', '!=')),
        rule(is(meta('mark'), [{ from: 1, to: 500 }, 9000])),
        rule({ kind: 'anonymous-lookup', key: zoneAndPort, elements: [{ key: [{ from: 1, to: 500 }, 80] }] }),
        rule({
          kind: 'anonymous-vmap',
          key: meta('mark'),
          elements: [{ key: [{ from: 1, to: 500 }], data: { kind: 'accept' } }],
        }),
        rule({
          kind: 'set-mark',
          to: {
            kind: 'anonymous-map',
            key: meta('mark'),
            data: ['mark'],
            elements: [{ key: [{ from: 1, to: 500 }], data: [7] }],
          },
        }),
      ],
    },
  ],
};

export const CORPUS: readonly Table[] = [filter, nat, six, inet, arp, bridge, netdev, ordered, ...STATEMENT_TABLES];
