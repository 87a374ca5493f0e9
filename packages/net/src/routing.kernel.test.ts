import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { diffAddresses, diffRules } from './diff.ts';
import { ip, ipJson, ipText, prefix, withWires } from './namespace.fixture.ts';
import type { Net } from './net.ts';
import type { NextHopObject } from './nexthop-object.ts';
import type { Route } from './route.ts';
import { diffNextHops, diffRoutes } from './route-diff.ts';
import { defined } from './rtnetlink.ts';
import { normalizeRule, type Rule } from './rule.ts';

const PROTOCOL = 112;

/** Writes the routes and demands that they are read back as written, and that writing them again would be no change. */
function assertRoutes(net: Net, routes: readonly Route[]): void {
  assert.deepEqual(
    net.applyRoutes({ add: routes, remove: [] }).flatMap(({ error }) => error?.message ?? []),
    [],
  );
  const observed = net.routes({ table: 0, protocol: PROTOCOL });
  assert.deepEqual(diffRoutes(routes, observed), { add: [], remove: [] });
}

test('every kind of route is read back as written and shown by ip route', async () => {
  await withWires((net, netns) => {
    const common = { protocol: PROTOCOL, link: 'v0' };
    const routes: Route[] = [
      { ...common, destination: prefix('10.0.0.0/8'), via: ip('192.0.2.7'), priority: 50, source: ip('198.51.100.1') },
      {
        ...common,
        destination: prefix('10.1.0.0/16'),
        mtu: 1300,
        metrics: {
          lock: ['mtu'],
          advmss: 1200,
          hopLimit: 9,
          initcwnd: 11,
          features: ['ecn'],
          congestionControl: 'reno',
        },
      },
      { ...common, destination: prefix('10.2.0.0/16'), via: ip('fd00::9'), table: 1000 },
      { ...common, destination: prefix('10.3.0.0/16'), via: ip('203.0.113.1'), onlink: true, tos: 16 },
      { protocol: PROTOCOL, destination: prefix('10.4.0.0/16'), type: 'blackhole' },
      { protocol: PROTOCOL, destination: prefix('10.5.0.0/16'), type: 'unreachable', table: 7 },
      { protocol: PROTOCOL, destination: prefix('10.6.0.0/16'), type: 'prohibit' },
      { protocol: PROTOCOL, destination: prefix('10.7.0.0/16'), type: 'throw', table: 8 },
      { ...common, destination: prefix('10.8.8.8/32'), type: 'local', table: 255 },
      {
        protocol: PROTOCOL,
        destination: prefix('10.9.0.0/16'),
        nextHops: [
          { via: ip('192.0.2.7'), weight: 3 },
          { via: ip('198.51.100.7'), link: 'w0', onlink: true },
        ],
      },
      {
        ...common,
        destination: prefix('10.10.0.0/16'),
        encap: { type: 'ip', id: 77n, destination: ip('192.0.2.8'), ttl: 4 },
      },
      { protocol: PROTOCOL, destination: prefix('10.11.0.0/16'), via: ip('192.0.2.7') },
      { ...common, destination: prefix('fd01::/64'), via: ip('fd00::7'), preference: 'high', expires: 900 },
      { ...common, destination: prefix('fd02::/64'), mtu: 1300, metrics: { hopLimit: 9 } },
      { protocol: PROTOCOL, destination: prefix('fd03::/64'), type: 'unreachable', priority: 9 },
      { protocol: PROTOCOL, destination: prefix('fd03::/64'), type: 'blackhole', table: 2000 },
      {
        protocol: PROTOCOL,
        destination: prefix('fd04::/64'),
        nextHops: [
          { via: ip('fd00::7'), link: 'v0', weight: 7 },
          { via: ip('fd00:1::7'), link: 'w0' },
        ],
      },
      { ...common, destination: prefix('fd05::/64'), from: prefix('fd00::/64'), via: ip('fd00::8') },
    ];
    assertRoutes(net, routes);
    const shown = ipJson(netns, '-d', 'route', 'show', 'proto', String(PROTOCOL));
    const found = (dst: string) => shown.find((route) => route.dst === dst) ?? assert.fail(`no ${dst} in ip route`);
    assert.partialDeepStrictEqual(found('10.0.0.0/8'), { gateway: '192.0.2.7', metric: 50, prefsrc: '198.51.100.1' });
    assert.match(
      ipText(netns, 'route', 'show', '10.1.0.0/16'),
      /mtu lock 1300 advmss 1200 hoplimit 9 initcwnd 11.*congctl reno|congctl reno.*mtu lock 1300 advmss 1200/,
    );
    assert.match(ipText(netns, 'route', 'show', 'table', '1000'), /10\.2\.0\.0\/16 via inet6 fd00::9 dev v0/);
    assert.equal(found('10.4.0.0/16').type, 'blackhole');
    assert.deepEqual(
      (found('10.9.0.0/16').nexthops as Record<string, unknown>[]).map(({ gateway, weight }) => [gateway, weight]),
      [
        ['192.0.2.7', 3],
        ['198.51.100.7', 1],
      ],
    );
    const removals = net.applyRoutes({ add: [], remove: net.routes({ table: 0, protocol: PROTOCOL }) });
    assert.deepEqual(
      removals.flatMap(({ error }) => error?.message ?? []),
      [],
    );
    assert.deepEqual(net.routes({ table: 0, protocol: PROTOCOL }), []);
    assert.ok(net.routes().length > 0, 'the routes of the kernel stay');
  });
});

test('what ip route writes is read', async () => {
  await withWires((net, netns) => {
    ipText(
      netns,
      'route',
      'add',
      '10.0.0.0/8',
      'proto',
      '112',
      'nexthop',
      'via',
      '192.0.2.7',
      'weight',
      '2',
      'nexthop',
      'via',
      '198.51.100.7',
    );
    ipText(
      netns,
      'route',
      'add',
      '10.1.0.0/16',
      'via',
      '192.0.2.7',
      'proto',
      '112',
      'quickack',
      '1',
      'rto_min',
      '40ms',
      'rtt',
      '10ms',
      'rttvar',
      '10ms',
    );
    const defaults = { protocol: 112, scope: 'global', table: 254, type: 'unicast' };
    assert.deepEqual(net.routes({ protocol: PROTOCOL }), [
      {
        destination: '10.0.0.0/8',
        ...defaults,
        nextHops: [
          { via: '192.0.2.7', link: 'v0', weight: 2 },
          { via: '198.51.100.7', link: 'w0', weight: 1 },
        ],
      },
      {
        destination: '10.1.0.0/16',
        via: '192.0.2.7',
        link: 'v0',
        ...defaults,
        metrics: { lock: ['rtoMin'], rtt: 80, rttVar: 40, quickAck: 1, rtoMin: 40 },
      },
    ]);
  });
});

test('the kernel says how it would route a packet', async () => {
  await withWires((net) => {
    net.applyRules({ add: [{ priority: 50, mark: 7, table: 1000 }], remove: [] });
    const routes: Route[] = [
      { destination: prefix('10.0.0.0/8'), via: ip('192.0.2.7') },
      { destination: prefix('10.0.0.0/8'), via: ip('198.51.100.7'), table: 1000 },
      { destination: prefix('10.1.0.0/16'), type: 'unreachable' },
    ];
    net.applyRoutes({ add: routes, remove: [] });
    const plain = net.lookupRoute({ destination: ip('10.0.0.1') });
    assert.partialDeepStrictEqual(plain, { via: '192.0.2.7', link: 'v0', source: '192.0.2.1', table: 254 });
    const marked = net.lookupRoute({ destination: ip('10.0.0.1'), mark: 7, ipProtocol: 6, destinationPort: 80 });
    assert.partialDeepStrictEqual(marked, { via: '198.51.100.7', link: 'w0', table: 1000 });
    assert.equal(net.lookupRoute({ destination: ip('10.1.0.1') }), undefined);
    assert.equal(net.lookupRoute({ destination: ip('203.0.113.1') }), undefined);
    assert.equal(net.lookupRoute({ destination: ip('fd00::9') })?.link, 'v0');
    assert.equal(net.lookupRoute({ destination: ip('192.0.2.1') })?.type, 'local');
  });
});

test('next hop objects and groups carry routes', async () => {
  await withWires((net, netns) => {
    const hops: NextHopObject[] = [
      { id: 10, group: [{ id: 1, weight: 2 }, { id: 2 }], protocol: PROTOCOL },
      {
        id: 11,
        group: [{ id: 1 }],
        resilient: { buckets: 8, idleTimer: 6000, unbalancedTimer: 0 },
        protocol: PROTOCOL,
      },
      { id: 1, via: ip('192.0.2.7'), link: 'v0', protocol: PROTOCOL },
      { id: 2, via: ip('203.0.113.1'), link: 'w0', onlink: true, protocol: PROTOCOL },
      { id: 3, blackhole: true, protocol: PROTOCOL },
      { id: 4, link: 'v0', family: 'ipv6', protocol: PROTOCOL },
    ];
    const results = net.applyNextHops({ add: hops, remove: [] });
    assert.deepEqual(
      results.flatMap(({ error }) => error?.message ?? []),
      [],
    );
    assert.deepEqual(diffNextHops(hops, net.nextHops({ protocol: PROTOCOL })), { add: [], remove: [] });
    assert.match(ipText(netns, 'nexthop', 'show', 'id', '10'), /group 1,2\/2/);
    const routes: Route[] = [
      { destination: prefix('10.0.0.0/8'), nextHopId: 10, protocol: PROTOCOL },
      { destination: prefix('10.1.0.0/16'), nextHopId: 3, protocol: PROTOCOL },
      { destination: prefix('fd01::/64'), nextHopId: 4, protocol: PROTOCOL },
    ];
    assertRoutes(net, routes);
    const moved = { id: 1, via: ip('192.0.2.8'), link: 'v0', protocol: PROTOCOL };
    const desired = hops.map((hop) => (hop.id === 1 ? moved : hop));
    const difference = diffNextHops(desired, net.nextHops({ protocol: PROTOCOL }));
    assert.deepEqual(difference, { add: [moved], remove: [] });
    net.applyNextHops(difference);
    assert.match(ipText(netns, 'route', 'show', '10.0.0.0/8'), /192\.0\.2\.8/);
    net.applyNextHops({ add: [], remove: net.nextHops() });
    assert.deepEqual(net.nextHops(), []);
    assert.deepEqual(net.routes({ protocol: PROTOCOL }), [], 'routes go with their next hop');
  });
});

test('rules are read back as written and shown by ip rule; those of others stay', async () => {
  await withWires((net, netns) => {
    const rules: Rule[] = [
      {
        priority: 50,
        from: prefix('10.0.0.0/8'),
        to: prefix('10.9.0.0/16'),
        inLink: 'v0',
        table: 1000,
        protocol: PROTOCOL,
      },
      { priority: 51, mark: 0x10, markMask: 0xf0, table: 10, suppressPrefixLength: 0, protocol: PROTOCOL },
      {
        priority: 52,
        outLink: 'w1',
        uidRange: { start: 1000, end: 2000 },
        ipProtocol: 6,
        sourcePorts: { start: 1000, end: 2000 },
        destinationPorts: { start: 80, end: 80 },
        tos: 16,
        table: 10,
        protocol: PROTOCOL,
      },
      { priority: 53, from: prefix('10.1.1.1/32'), invert: true, action: 'prohibit', protocol: PROTOCOL },
      { priority: 54, action: 'goto', goto: 60, protocol: PROTOCOL },
      { priority: 60, action: 'nop', protocol: PROTOCOL },
      { priority: 61, action: 'blackhole', to: prefix('10.2.0.0/16'), tunnelId: 7n, protocol: PROTOCOL },
      { priority: 62, family: 'ipv6', l3mdev: true, protocol: PROTOCOL },
      { priority: 63, from: prefix('fd00::/64'), mark: 0, markMask: 1, action: 'unreachable', protocol: PROTOCOL },
    ];
    const before = net.rules();
    const results = net.applyRules({ add: rules, remove: [] });
    assert.deepEqual(
      results.flatMap(({ error }) => error?.message ?? []),
      [],
    );
    assert.deepEqual(diffRules(rules, net.rules({ protocol: PROTOCOL })), { add: [], remove: [] });
    net.applyRules({ add: rules, remove: [] });
    assert.equal(net.rules({ protocol: PROTOCOL }).length, rules.length, 'a second time changes nothing');
    const shown = ipText(netns, 'rule', 'show');
    assert.match(shown, /50:\s+from 10\.0\.0\.0\/8 to 10\.9\.0\.0\/16 iif v0 lookup 1000/);
    assert.match(shown, /51:\s+from all fwmark 0x10\/0xf0 lookup 10 suppress_prefixlength 0/);
    assert.match(
      shown,
      /52:.*tos (0x10|lowdelay).*oif w1.*uidrange 1000-2000 ipproto tcp sport 1000-2000 dport 80 lookup 10/,
    );
    assert.match(shown, /53:\s+not from 10\.1\.1\.1 prohibit/);
    assert.match(shown, /54:\s+from all goto 60/);
    assert.match(ipText(netns, '-6', 'rule', 'show'), /62:\s+from all lookup \[l3mdev-table\]/);
    ipText(netns, 'rule', 'add', 'from', '10.77.0.0/16', 'lookup', '5', 'priority', '70', 'protocol', '99');
    const foreign = { priority: 70, family: 'ipv4', from: '10.77.0.0/16', action: 'table', table: 5, protocol: 99 };
    assert.deepEqual(net.rules({ protocol: 99 }), [foreign]);
    const left = rules.slice(0, 2);
    net.applyRules(diffRules(left, net.rules({ protocol: PROTOCOL })));
    assert.deepEqual(diffRules(left, net.rules({ protocol: PROTOCOL })), { add: [], remove: [] });
    net.applyRules({ add: [], remove: net.rules({ protocol: PROTOCOL }) });
    assert.deepEqual(
      net.rules().filter((rule) => rule.protocol !== 99),
      before,
    );
  });
});

const sameRank = fc
  .record({
    mark: fc.constantFrom(undefined, 0, 5),
    markMask: fc.constantFrom(undefined, 7),
    from: fc.constantFrom(undefined, prefix('0.0.0.0/0'), prefix('10.0.0.0/8')),
    invert: fc.constantFrom(undefined, true),
    suppressPrefixLength: fc.constantFrom(undefined, 0, 8),
    ipProtocol: fc.constantFrom(undefined, 0, 6),
    tos: fc.constantFrom(undefined, 0, 16),
    protocol: fc.constantFrom(PROTOCOL, PROTOCOL + 1),
    way: fc.constantFrom(
      { table: 7 },
      { table: 8 },
      { action: 'blackhole' as const },
      { action: 'goto' as const, goto: 200 },
      { action: 'goto' as const, goto: 201 },
    ),
  })
  .map(({ way, ...conditions }) => normalizeRule({ priority: 100, ...defined(conditions), ...way }));

test('of rules with one priority only those that are meant go', async () => {
  await withWires((net) => {
    const texts = (rules: readonly Rule[]) =>
      rules.map((rule) => JSON.stringify(Object.entries(normalizeRule(rule)).sort()));
    const sets = fc.uniqueArray(sameRank, { maxLength: 6, selector: (rule) => texts([rule])[0] });
    const present = () => net.rules({ family: 'ipv4' }).filter(({ priority }) => priority === 100);
    const check = (rules: Rule[], keep: boolean[]) => {
      const added = net.applyRules({ add: rules, remove: [] });
      const going = rules.filter((_, i) => !keep[i]);
      const removed = net.applyRules({ add: [], remove: [...going, ...going] });
      const failed = [...added, ...removed].flatMap(({ error }) => error?.message ?? []);
      assert.deepEqual(failed, []);
      assert.deepEqual(texts(present()).sort(), texts(rules.filter((_, i) => keep[i])).sort());
      net.applyRules({ add: [], remove: present() });
      assert.deepEqual(present(), []);
    };
    fc.assert(fc.property(sets, fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }), check), { numRuns: 150 });
  });
});

test('addresses with peers, labels, lifetimes and flags', async () => {
  await withWires((net, netns) => {
    const on = { link: 'w1', protocol: PROTOCOL };
    const addresses = [
      { ...on, address: ip('10.0.0.1'), prefixLength: 32, peer: ip('10.0.0.2') },
      { ...on, address: ip('10.1.0.1'), prefixLength: 24, label: 'w1:one', broadcast: ip('10.1.0.255') },
      { ...on, address: ip('10.2.0.1'), prefixLength: 24, validLifetime: 1000, preferredLifetime: 500 },
      { ...on, address: ip('10.3.0.1'), prefixLength: 24, noPrefixRoute: true, scope: 'link' as const },
      { ...on, address: ip('fd09::1'), prefixLength: 64, noDad: true, noPrefixRoute: true },
      { ...on, address: ip('fd0a::1'), prefixLength: 128, peer: ip('fd0a::2') },
    ];
    const results = net.applyAddresses({ add: addresses, remove: [] });
    assert.deepEqual(
      results.flatMap(({ error }) => error?.message ?? []),
      [],
    );
    assert.deepEqual(diffAddresses(addresses, net.addresses('w1')), { add: [], remove: [] });
    const [shown] = ipJson(netns, 'addr', 'show', 'dev', 'w1');
    const info = shown?.addr_info as Record<string, unknown>[];
    const found = (local: string) => info.find((one) => one.local === local) ?? assert.fail(`no ${local} in ip addr`);
    assert.partialDeepStrictEqual(found('10.0.0.1'), { address: '10.0.0.2', prefixlen: 32 });
    assert.partialDeepStrictEqual(found('10.1.0.1'), { label: 'w1:one', broadcast: '10.1.0.255' });
    assert.partialDeepStrictEqual(found('10.3.0.1'), { noprefixroute: true, scope: 'link' });
    assert.partialDeepStrictEqual(found('fd09::1'), { nodad: true, noprefixroute: true });
    const limited = net.addresses('w1').find(({ address }) => address === '10.2.0.1');
    assert.ok((limited?.validLifetime ?? 0) > 900 && (limited?.preferredLifetime ?? 1000) <= 500);
    net.applyAddresses({ add: [], remove: net.addresses('w1') });
    assert.deepEqual(net.addresses('w1'), []);
  });
});
