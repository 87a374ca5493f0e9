import type {
  Expression,
  NamedObject,
  NamedSet,
  RejectReason,
  Rule,
  SetElement,
  Statement,
  Table,
  TableFamily,
} from './model.ts';

/** Tables of rules, one statement after the other in every form that nft 1.0.6 and the reference kernel take. */
const value = (v: Extract<Expression, { kind: 'value' }>['value']): Expression => ({ kind: 'value', value: v });
const payload = (field: Extract<Expression, { kind: 'payload' }>['field']): Expression => ({ kind: 'payload', field });
const meta = (key: Extract<Expression, { kind: 'meta' }>['key']): Expression => ({ kind: 'meta', key });
const ct = (key: Extract<Expression, { kind: 'ct' }>['key']): Expression => ({ kind: 'ct', key });
const concat = (...parts: Expression[]): Expression => ({ kind: 'concat', parts });
const rule = (...statements: Statement[]): Rule => ({ statements });
const tcp: Statement = { kind: 'match', left: meta('l4proto'), op: '==', right: 'tcp' };
const accept: Statement = { kind: 'verdict', verdict: { kind: 'accept' } };
const one = (statement: Statement): Rule => rule(statement);
const each = <T>(values: readonly T[], make: (one: T) => Statement): Rule[] => values.map((v) => rule(make(v)));

const RATES = ['second', 'minute', 'hour', 'day', 'week'] as const;
const STATE: Rule[] = [
  one({ kind: 'counter', packets: 3, bytes: 4000 }),
  one({ kind: 'quota', bytes: 4096, used: 17 }),
  one({ kind: 'quota', bytes: 1_000_000, over: true, used: 5 }),
  one({ kind: 'ct-count', count: 20 }),
  one({ kind: 'ct-count', count: 1, over: true }),
  ...each(RATES, (per) => ({ kind: 'limit', rate: 7, per })),
  ...each(RATES, (per) => ({ kind: 'limit', rate: 1500, per, unit: 'bytes' })),
  ...each([1, 4096], (burst) => ({ kind: 'limit', rate: 1_048_576, per: 'second', unit: 'bytes', burst, over: true })),
  ...each([1, 1000], (burst) => ({ kind: 'limit', rate: 3, per: 'day', burst, over: burst === 1 })),
];

const LEVELS = ['emerg', 'alert', 'crit', 'err', 'warn', 'notice', 'info', 'debug', 'audit'] as const;
const LOG_FLAGS = ['tcp sequence', 'tcp options', 'ip options', 'skuid', 'ether'] as const;
const LOGS: Rule[] = [
  one({ kind: 'log' }),
  ...each(LEVELS, (level) => ({ kind: 'log', level })),
  ...each(LOG_FLAGS, (flag) => ({ kind: 'log', prefix: 'flags: ', flags: [flag] })),
  one({ kind: 'log', flags: LOG_FLAGS }),
  one({ kind: 'log', level: 'debug', flags: ['tcp sequence', 'tcp options'] }),
  one({ kind: 'log', prefix: 'to "user" space $(id); {', group: 0 }),
  one({ kind: 'log', group: 65_535, snaplen: 128, queueThreshold: 20 }),
];

const EXPRESSIONS: Expression[] = [
  { kind: 'numgen', mode: 'inc', modulus: 3 },
  { kind: 'numgen', mode: 'random', modulus: 100, offset: 7 },
  { kind: 'symhash', modulus: 5 },
  { kind: 'symhash', modulus: 5, offset: 9 },
  { kind: 'jhash', of: payload('ip saddr'), modulus: 4 },
  { kind: 'jhash', of: concat(payload('ip saddr'), payload('tcp dport')), modulus: 4, seed: 0xfeed, offset: 2 },
  { kind: 'shift', of: meta('mark'), direction: 'left', bits: 4 },
  { kind: 'shift', of: ct('mark'), direction: 'right', bits: 16 },
  { kind: 'bitwise', of: ct('mark'), mask: 0xff00, xor: 0 },
  { kind: 'bitwise', of: meta('mark'), mask: 0xffffff00, xor: 0x15 },
  { kind: 'bitwise', of: meta('mark'), mask: 0xffffffff, xor: 0x15 },
  {
    kind: 'anonymous-map',
    key: payload('ip daddr'),
    data: ['mark'],
    elements: [
      { key: ['10.0.0.1'], data: [3] },
      { key: ['10.0.0.2'], data: [4] },
    ],
  },
  {
    kind: 'anonymous-map',
    key: payload('tcp dport'),
    data: ['mark'],
    elements: [
      { key: [{ from: 1, to: 1023 }], data: [1] },
      { key: [8080], data: [2] },
    ],
  },
  {
    kind: 'anonymous-map',
    key: concat(payload('ip saddr'), payload('tcp dport')),
    data: ['mark'],
    elements: [{ key: ['10.0.0.1', 80], data: [1] }],
  },
  { kind: 'socket', key: 'mark' },
  ct('zone'),
];
const ASSIGNMENTS: Rule[] = [
  ...each(EXPRESSIONS, (to) => ({ kind: 'set-mark', to })),
  ...each(
    EXPRESSIONS.filter((e) => e.kind === 'bitwise' || e.kind === 'anonymous-map'),
    (to) => ({ kind: 'set-ct-mark', to }),
  ),
  ...each(['1:2', 'ffff:ffff'], (v) => ({ kind: 'set-meta', key: 'priority', to: value(v) })),
  ...each([0, 1], (v) => ({ kind: 'set-meta', key: 'nftrace', to: value(v) })),
  ...each(['host', 'other'], (v) => ({ kind: 'set-meta', key: 'pkttype', to: value(v) })),
  ...each(['zone', 'original zone', 'reply zone'] as const, (key) => ({ kind: 'set-ct', key, to: value(7) })),
  ...each([0, 127], (v) => ({ kind: 'set-ct', key: 'label', to: value(v) })),
  ...each(['new', 'new,destroy', 'new,related,assured'], (v) => ({ kind: 'set-ct', key: 'event', to: value(v) })),
];

const COMPARED: Rule[] = [
  rule({
    kind: 'match',
    left: { kind: 'bitwise', of: payload('tcp flags'), mask: 18, xor: 0 },
    op: '==',
    right: 'syn',
  }),
  rule({
    kind: 'match',
    left: { kind: 'bitwise', of: payload('tcp flags'), mask: 23, xor: 0 },
    op: '!=',
    right: ['syn', 'ack'],
  }),
  rule({
    kind: 'match',
    left: { kind: 'bitwise', of: payload('ip frag-off'), mask: 0x1fff, xor: 0 },
    op: '!=',
    right: 0,
  }),
  rule({
    kind: 'match',
    left: { kind: 'bitwise', of: payload('ip saddr'), mask: 0xff, xor: 0 },
    op: '<',
    right: '0.0.0.128',
  }),
  rule({ kind: 'match', left: { kind: 'bitwise', of: ct('mark'), mask: 0xff, xor: 0 }, op: '>=', right: 7 }),
  rule({ kind: 'match', left: { kind: 'numgen', mode: 'random', modulus: 10 }, op: '<', right: 3 }),
  rule({
    kind: 'match',
    left: { kind: 'raw-payload', base: 'network', offset: 160, length: 32 },
    op: '==',
    right: '0x01020304',
  }),
  rule({
    kind: 'match',
    left: { kind: 'raw-payload', base: 'transport', offset: 160, length: 64 },
    op: '!=',
    right: '0x1122334455667788',
  }),
  rule({ kind: 'match', left: { kind: 'osf', ttl: 'skip' }, op: '==', right: 'Linux' }),
  rule({ kind: 'match', left: { kind: 'osf', version: true }, op: '==', right: 'Linux:4.18' }),
  rule({ kind: 'match', left: { kind: 'osf', ttl: 'loose' }, op: '!=', right: 'OpenBSD' }),
];

const LOOKUPS: Rule[] = [
  one({
    kind: 'anonymous-lookup',
    key: concat(payload('ip saddr'), payload('tcp dport')),
    elements: [{ key: ['10.0.0.1', 80] }, { key: ['10.0.0.2', 443] }],
  }),
  one({
    kind: 'anonymous-lookup',
    key: concat(payload('ip saddr'), payload('tcp dport')),
    elements: [{ key: ['10.0.0.0/8', { from: 1, to: 1023 }] }],
    invert: true,
  }),
  one({ kind: 'anonymous-lookup', key: concat(ct('state'), meta('mark')), elements: [{ key: ['new', 5] }] }),
  one({
    kind: 'anonymous-vmap',
    key: payload('tcp dport'),
    elements: [
      { key: [22], data: { kind: 'accept' } },
      { key: [{ from: 80, to: 90 }], data: { kind: 'jump', chain: 'sub' } },
    ],
  }),
  one({
    kind: 'anonymous-vmap',
    key: meta('iifname'),
    elements: [
      { key: ['eth0'], data: { kind: 'drop' } },
      { key: ['*'], data: { kind: 'goto', chain: 'sub' } },
    ],
  }),
  one({
    kind: 'anonymous-vmap',
    key: concat(meta('mark'), ct('mark')),
    elements: [{ key: [1, 2], data: { kind: 'return' } }],
  }),
  one({
    kind: 'anonymous-vmap',
    key: ct('state'),
    elements: [
      { key: ['established'], data: { kind: 'accept' } },
      { key: ['invalid'], data: { kind: 'drop' } },
    ],
  }),
];

const WRITES: Rule[] = [
  rule({ kind: 'set-payload', field: 'ip saddr', to: value('10.0.0.1') }),
  rule({ kind: 'set-payload', field: 'ip saddr', to: payload('ip daddr') }),
  rule({ kind: 'set-payload', field: 'ip dscp', to: value('cs1') }),
  rule({ kind: 'set-payload', field: 'ip ecn', to: value('ce') }),
  rule({ kind: 'set-payload', field: 'ip ttl', to: value(64) }),
  rule({ kind: 'set-payload', field: 'ip id', to: value(4711) }),
  rule({ kind: 'set-payload', field: 'tcp dport', to: value(80) }),
  rule({ kind: 'set-payload', field: 'tcp sport', to: payload('tcp dport') }),
  rule({ kind: 'set-payload', field: 'udp dport', to: value(53) }),
  rule({ kind: 'set-payload', field: 'tcp window', to: value(1000) }),
  rule({ kind: 'set-extension', field: 'tcp option maxseg size', to: value(1400) }),
  rule({ kind: 'reset-tcp-option', option: 'tcp option fastopen' }),
  rule({ kind: 'reset-tcp-option', option: 'tcp option sack-perm' }),
  rule({ kind: 'dup', to: value('10.0.0.9') }),
  rule({ kind: 'dup', to: value('10.0.0.9'), device: value(1) }),
  rule({ kind: 'notrack' }),
];

const elements = (...keys: SetElement['key'][]): SetElement[] => keys.map((key) => ({ key }));
const SETS: NamedSet[] = [
  { name: 'rated', key: ['ipv4_addr'], dynamic: true, timeout: 90.5, gcInterval: 10, size: 500, elements: [] },
  {
    name: 'counted',
    key: ['ipv4_addr', 'inet_service'],
    dynamic: true,
    counter: true,
    size: 500,
    elements: [{ key: ['10.0.0.1', 80], statements: [{ kind: 'counter', packets: 5, bytes: 500 }] }],
  },
  {
    name: 'limited',
    key: ['ipv4_addr'],
    dynamic: true,
    statements: [{ kind: 'limit', rate: 5, per: 'second' }],
    elements: [],
  },
  { name: 'quotas', key: ['ipv4_addr'], dynamic: true, statements: [{ kind: 'quota', bytes: 4096 }], elements: [] },
  { name: 'connections', key: ['ipv4_addr'], dynamic: true, elements: [] },
  {
    name: 'both',
    key: ['ipv4_addr'],
    dynamic: true,
    statements: [{ kind: 'counter' }, { kind: 'limit', rate: 5, per: 'minute', burst: 9 }],
    elements: [],
  },
  {
    name: 'fixed',
    key: ['ipv4_addr'],
    constant: true,
    interval: true,
    policy: 'memory',
    elements: elements(['10.0.0.0/8'], ['192.0.2.1']),
  },
  {
    name: 'merged',
    key: ['inet_service'],
    interval: true,
    autoMerge: true,
    elements: elements([{ from: 1, to: 9 }], [80]),
    comment: 'ports',
  },
  {
    name: 'anyone',
    key: ['ipv4_addr'],
    data: 'verdict',
    elements: [
      { key: ['10.0.0.1'], data: { kind: 'accept' } },
      { key: ['*'], data: { kind: 'drop' } },
    ],
  },
  {
    name: 'anywhere',
    key: ['ipv4_addr'],
    data: ['mark'],
    interval: true,
    elements: [
      { key: ['10.0.0.0/8'], data: [1] },
      { key: ['*'], data: [2] },
    ],
  },
  {
    name: 'timed',
    key: ['mark'],
    hasTimeouts: true,
    elements: [{ key: [1], timeout: 3600, comment: 'an hour' }, { key: [2] }],
  },
  {
    name: 'bandwidth',
    key: ['ipv4_addr'],
    objects: 'quota',
    elements: [
      { key: ['10.0.0.1'], object: 'daily' },
      { key: ['*'], object: 'tiny' },
    ],
  },
  { name: 'counters', key: ['inet_service'], objects: 'counter', elements: [{ key: [80], object: 'web' }] },
  ...(['ether_addr', 'ether_type', 'arp_op', 'icmp_code', 'icmpv6_code', 'igmp_type', 'tcp_flag', 'dscp'] as const).map(
    (type): NamedSet => ({ name: `of-${type}`, key: [type], elements: [] }),
  ),
  ...(
    [
      'iface_index',
      'iface_type',
      'devgroup',
      'pkt_type',
      'nf_proto',
      'uid',
      'gid',
      'realm',
      'classid',
      'ct_state',
      'ct_dir',
      'ct_status',
      'fib_addrtype',
    ] as const
  ).map((type): NamedSet => ({ name: `of-${type}`, key: [type, 'mark'], elements: [] })),
  {
    name: 'values',
    key: ['ct_state', 'inet_proto', 'tcp_flag', 'uid'],
    elements: elements(['new', 'tcp', 'syn', 0], ['established', 'udp', 'ack', 4000]),
  },
];

const OBJECTS: NamedObject[] = [
  { kind: 'counter', name: 'web', packets: 3, bytes: 400, comment: 'web "pages"' },
  { kind: 'counter', name: 'zero' },
  { kind: 'quota', name: 'daily', bytes: 1_000_000, used: 17 },
  { kind: 'quota', name: 'tiny', bytes: 1, over: true },
  { kind: 'limit', name: 'slow', rate: 5, per: 'minute', burst: 3 },
  { kind: 'limit', name: 'fast', rate: 10_000_000, per: 'second', unit: 'bytes', over: true },
  { kind: 'ct helper', name: 'ftp-control', helper: 'ftp', protocol: 'tcp', l3proto: 'ip' },
  { kind: 'ct timeout', name: 'short', protocol: 'tcp', l3proto: 'ip', policy: { established: 100, close: 4 } },
  { kind: 'ct timeout', name: 'questions', protocol: 'udp', l3proto: 'ip', policy: { unreplied: 5, replied: 30 } },
  { kind: 'ct expectation', name: 'data', protocol: 'tcp', l3proto: 'ip', dport: 9876, timeout: 120, size: 8 },
  { kind: 'synproxy', name: 'cookies', mss: 1460, wscale: 7, timestamp: true, sackPerm: true },
];

const USES: Rule[] = [
  ...OBJECTS.filter(({ kind }) => kind !== 'synproxy').map(({ kind, name }) =>
    one({ kind: 'objref', type: kind, name }),
  ),
  one({ kind: 'objref-map', type: 'quota', key: payload('ip saddr'), map: 'bandwidth' }),
  one({ kind: 'objref-map', type: 'counter', key: payload('tcp dport'), map: 'counters' }),
  one({ kind: 'vmap', key: payload('ip saddr'), map: 'anyone' }),
  rule({ kind: 'set-mark', to: { kind: 'map', key: payload('ip saddr'), map: 'anywhere' } }, accept),
  ...each(['add', 'update', 'delete'] as const, (op) => ({
    kind: 'update',
    op,
    set: 'rated',
    key: payload('ip saddr'),
  })),
  one({ kind: 'update', op: 'add', set: 'rated', key: payload('ip saddr'), timeout: 1.5 }),
  one({
    kind: 'update',
    op: 'update',
    set: 'rated',
    key: payload('ip daddr'),
    timeout: 30,
    statements: [{ kind: 'limit', rate: 3, per: 'second', burst: 4 }],
  }),
  one({
    kind: 'update',
    op: 'add',
    set: 'connections',
    key: payload('ip saddr'),
    statements: [{ kind: 'ct-count', count: 20, over: true }],
  }),
  one({ kind: 'update', op: 'add', set: 'counted', key: concat(payload('ip saddr'), payload('tcp dport')) }),
];

/** What a reject statement can answer, by the protocol it answers in. */
const REASONS = {
  icmp: [
    'net-unreachable',
    'host-unreachable',
    'prot-unreachable',
    'port-unreachable',
    'net-prohibited',
    'host-prohibited',
    'admin-prohibited',
  ],
  icmpv6: ['no-route', 'admin-prohibited', 'addr-unreachable', 'port-unreachable', 'policy-fail', 'reject-route'],
  icmpx: ['port-unreachable', 'admin-prohibited', 'no-route', 'host-unreachable'],
} as const satisfies Record<string, readonly RejectReason[]>;

function rejects(family: TableFamily, protocols: readonly (keyof typeof REASONS)[]): Table {
  const rules = protocols.flatMap((protocol) =>
    each(REASONS[protocol], (reason) => ({ kind: 'reject', with: reason, protocol })),
  );
  return {
    family,
    name: `rejects-${family}`,
    sets: [],
    chains: [
      {
        name: 'input',
        base: { type: 'filter', hook: 'input', priority: -5 },
        rules: [
          ...rules,
          rule(tcp, { kind: 'reject', with: 'tcp-reset' }),
          one({ kind: 'reject', with: 'port-unreachable' }),
        ],
      },
    ],
  };
}

const statements: Table = {
  family: 'ip',
  name: 'statements',
  objects: OBJECTS,
  sets: SETS,
  chains: [
    { name: 'sub', rules: [rule({ kind: 'verdict', verdict: { kind: 'return' } })] },
    {
      name: 'everything',
      base: { type: 'filter', hook: 'prerouting', priority: -300, policy: 'accept' },
      rules: [...STATE, ...LOGS, ...ASSIGNMENTS, ...COMPARED, ...LOOKUPS, ...WRITES, ...USES],
    },
    {
      name: 'mss',
      base: { type: 'filter', hook: 'forward', priority: -150 },
      rules: [rule({ kind: 'set-extension', field: 'tcp option maxseg size', to: { kind: 'rt', key: 'mtu' } })],
    },
    {
      name: 'syn',
      base: { type: 'filter', hook: 'input', priority: 0 },
      rules: [
        one({ kind: 'synproxy', mss: 1460, wscale: 7, timestamp: true, sackPerm: true }),
        one({ kind: 'synproxy', mss: 536 }),
        one({ kind: 'objref', type: 'synproxy', name: 'cookies' }),
      ],
    },
  ],
};

type Nat = Extract<Statement, { kind: 'dnat' | 'snat' }>;
const to = (kind: Nat['kind'], family: Nat['family'], target: Expression, rest: Partial<Nat> = {}): Nat => ({
  kind,
  family,
  to: target,
  ...rest,
});
const range = (from: string | number, last: string | number): Expression => value({ from, to: last });

function natRules(kind: Nat['kind'], family: Nat['family']): Rule[] {
  const [a, b, prefix, inside] =
    family === 'ip'
      ? ['10.0.0.1', '10.0.0.9', '192.0.2.0/24', '10.1.0.0/24']
      : ['fd00::1', 'fd00::9', 'fd00:1::/64', 'fd00:2::/64'];
  const address = family === 'ip' ? 'ipv4_addr' : 'ipv6_addr';
  const source = payload(kind === 'snat' ? `${family} saddr` : `${family} daddr`);
  return [
    one(to(kind, family, value(a), { persistent: true })),
    one(to(kind, family, range(a, b))),
    one(to(kind, family, range(a, b), { random: true, persistent: true })),
    one(to(kind, family, value(prefix), { prefix: true })),
    rule(tcp, to(kind, family, value(a), { port: value(80) })),
    rule(tcp, to(kind, family, value(a), { port: range(1000, 2000), fullyRandom: true })),
    rule(tcp, to(kind, family, range(a, b), { port: range(1000, 2000), random: true })),
    one(
      to(
        kind,
        family,
        { kind: 'anonymous-map', key: source, data: [address], elements: [{ key: [inside], data: [prefix] }] },
        { prefix: true },
      ),
    ),
    one(
      to(kind, family, {
        kind: 'anonymous-map',
        key: { kind: 'numgen', mode: 'inc', modulus: 2 },
        data: [address],
        elements: [
          { key: [0], data: [a] },
          { key: [1], data: [b] },
        ],
      }),
    ),
    rule(
      tcp,
      to(kind, family, {
        kind: 'anonymous-map',
        key: concat(source, payload('tcp dport')),
        data: [address, 'inet_service'],
        elements: [{ key: [a, 80], data: [b, 8080] }],
      }),
    ),
    one(to(kind, family, { kind: 'map', key: source, map: 'networks' }, { prefix: true })),
  ];
}

function nat(family: 'ip' | 'ip6'): Table {
  const type = family === 'ip' ? 'ipv4_addr' : 'ipv6_addr';
  const [inside, outside] = family === 'ip' ? ['10.5.0.0/16', '198.51.0.0/16'] : ['fd00:5::/64', 'fd00:6::/64'];
  return {
    family,
    name: `translations-${family}`,
    sets: [
      {
        name: 'networks',
        key: [type],
        data: [type],
        interval: true,
        dataInterval: true,
        elements: [{ key: [inside], data: [outside] }],
      },
    ],
    chains: [
      {
        name: 'post',
        base: { type: 'nat', hook: 'postrouting', priority: 100 },
        rules: [
          ...natRules('snat', family),
          ...each([{}, { random: true }, { fullyRandom: true, persistent: true }], (flags) => ({
            kind: 'masquerade',
            ...flags,
          })),
          rule(tcp, { kind: 'masquerade', port: { from: 1024, to: 2048 }, random: true }),
          rule(tcp, { kind: 'masquerade', port: 1024 }),
        ],
      },
      {
        name: 'pre',
        base: { type: 'nat', hook: 'prerouting', priority: -100 },
        rules: [
          ...natRules('dnat', family),
          rule(tcp, { kind: 'redirect', port: { from: 80, to: 90 }, fullyRandom: true }),
          rule(tcp, { kind: 'redirect', port: 80, persistent: true }),
          one({ kind: 'redirect', random: true }),
        ],
      },
    ],
  };
}

const proxies: Table = {
  family: 'inet',
  name: 'proxies',
  sets: [],
  chains: [
    {
      name: 'pre',
      base: { type: 'filter', hook: 'prerouting', priority: -150 },
      rules: [
        rule(tcp, { kind: 'tproxy', family: 'inet', port: 8080 }),
        rule(tcp, { kind: 'tproxy', family: 'ip', address: '127.0.0.1', port: 8080 }),
        rule(tcp, { kind: 'tproxy', family: 'ip6', address: '::1', port: 8080 }),
        rule({ kind: 'set-payload', field: 'ip6 dscp', to: value('ef') }),
        rule({ kind: 'set-payload', field: 'ip6 flowlabel', to: value(5) }),
        rule({ kind: 'set-payload', field: 'ip6 hoplimit', to: value(5) }),
        rule({ kind: 'set-payload', field: 'ip6 ecn', to: value('ce') }),
      ],
    },
    { name: 'edge', base: { type: 'filter', hook: 'ingress', device: 'lo', priority: 10 }, rules: [rule(accept)] },
  ],
};

const devices: Table = {
  family: 'netdev',
  name: 'interfaces',
  sets: [],
  chains: [
    {
      name: 'ingress-lo',
      base: { type: 'filter', hook: 'ingress', device: 'lo', priority: 0 },
      rules: [
        one({ kind: 'fwd', device: value(1) }),
        one({ kind: 'fwd', device: value(1), to: value('10.0.0.1'), family: 'ip' }),
        one({ kind: 'fwd', device: value(1), to: value('fd00::1'), family: 'ip6' }),
        one({ kind: 'dup', device: value(1) }),
      ],
    },
    {
      name: 'egress-lo',
      base: { type: 'filter', hook: 'egress', device: 'lo', priority: 5, policy: 'drop' },
      rules: [],
    },
  ],
};

const dormant: Table = {
  family: 'ip',
  name: 'asleep',
  dormant: true,
  comment: 'sees no packet',
  sets: [],
  chains: [{ name: 'c', base: { type: 'filter', hook: 'input', priority: 0 }, rules: [rule(accept)] }],
};

export const STATEMENT_TABLES: readonly Table[] = [
  statements,
  rejects('ip', ['icmp']),
  rejects('ip6', ['icmpv6']),
  rejects('inet', ['icmp', 'icmpv6', 'icmpx']),
  nat('ip'),
  nat('ip6'),
  proxies,
  devices,
  dormant,
];
