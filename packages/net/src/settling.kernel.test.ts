import assert from 'node:assert/strict';
import test from 'node:test';
import type { Prefix } from '@podwire/base';
import { canonical, type Difference, diffAddresses, diffFdb, diffNeighbours, diffRules } from './diff.ts';
import { ip, ipText, prefix, withWires } from './namespace.fixture.ts';
import type { Route } from './route.ts';
import { diffNextHops, diffRoutes } from './route-diff.ts';
import type { Rule } from './rule.ts';

interface Noun<T> {
  readonly diff: (desired: readonly T[], observed: readonly T[]) => Difference<T>;
  readonly read: () => readonly T[];
  readonly apply: (difference: Difference<T>) => readonly { readonly error: Error | undefined }[];
}

/** Brings about one state after the other, and demands that each is there after one attempt. */
function assertSettles<T>({ diff, read, apply }: Noun<T>, states: readonly (readonly T[])[]): void {
  for (const desired of [...states, []]) {
    const failed = apply(diff(desired, read())).flatMap(({ error }) => error?.message ?? []);
    assert.deepEqual(failed, [], canonical(desired));
    assert.deepEqual(diff(desired, read()), { add: [], remove: [] }, canonical(desired));
    assert.equal(read().length, desired.length, canonical(desired));
  }
}

test('addresses settle, also where the kernel changes none in place', async () => {
  await withWires((net) => {
    const v4 = { link: 'w1', address: ip('10.0.0.1'), prefixLength: 24 };
    const v6 = { link: 'w1', address: ip('fd09::1'), prefixLength: 64, noDad: true };
    const peer = (last: number) => ({ ...v4, prefixLength: 32, peer: ip(`10.0.0.${last}`) });
    const noun = { diff: diffAddresses, read: () => net.addresses('w1'), apply: net.applyAddresses };
    assertSettles(noun, [
      [{ link: 'w1', address: ip('fe80::1'), prefixLength: 64, noDad: true }],
      [peer(2)],
      [peer(3)],
      [peer(3), peer(4)],
      [v4],
      [{ ...v4, scope: 'link' }],
      [{ ...v4, label: 'w1:x' }],
      [{ ...v4, noPrefixRoute: true }],
      [{ ...v4, broadcast: ip('10.0.0.255'), protocol: 7 }],
      [{ ...v4, routePriority: 0, protocol: 8, validLifetime: 1000 }],
      [v4, { ...v4, address: ip('10.0.0.2') }, { ...v4, address: ip('10.0.0.3') }],
      [
        { ...v4, address: ip('10.0.0.2') },
        { ...v4, address: ip('10.0.0.3') },
      ],
      [v6],
      [{ ...v6, prefixLength: 128 }],
      [{ ...v6, scope: 'host', noPrefixRoute: true }],
      [{ ...v6, peer: ip('fd09::2') }],
      [{ ...v6, peer: ip('fd09::3') }],
    ]);
  });
});

test('routes settle, whatever the kernel makes of zeros, large numbers and links of unreachable ones', async () => {
  await withWires((net) => {
    const on = { link: 'v0', protocol: 112 };
    const v4 = { ...on, destination: prefix('10.5.0.0/16') };
    const v6 = { ...on, destination: prefix('fd05::/64') };
    const noun = { diff: diffRoutes, read: () => net.routes({ protocol: 112, table: 0 }), apply: net.applyRoutes };
    const states: Route[] = [
      { ...v6, priority: 0 },
      { ...v4, priority: 0, table: 0 },
      { ...v4, mtu: 0, metrics: { lock: [], quickAck: 0 } },
      { ...v4, metrics: {} },
      { ...v4, mtu: 65_535, metrics: { hopLimit: 300, advmss: 65_535 } },
      { ...v6, mtu: 65_535, metrics: { hopLimit: 300, advmss: 65_535 } },
      { ...v6, type: 'blackhole' },
      { ...v6, via: ip('fd99::1'), onlink: true },
      { ...v6, onlink: false },
      { ...v4, nextHops: [{ via: ip('192.0.2.9'), weight: 3 }], onlink: false },
    ].map(({ link, ...route }) => ('nextHops' in route ? route : { link, ...route }) as Route);
    assertSettles(
      noun,
      states.map((state) => [state]),
    );
  });
});

test('of routes that stand twice the one that is desired stays', async () => {
  await withWires((net, netns) => {
    for (const via of ['7', '8'])
      ipText(netns, 'route', 'append', '10.5.0.0/16', 'via', `192.0.2.${via}`, 'proto', '112');
    for (const link of ['v0', 'w0']) ipText(netns, '-6', 'route', 'append', 'fd05::/64', 'dev', link, 'proto', '112');
    const desired: Route[] = [
      { destination: prefix('10.5.0.0/16'), via: ip('192.0.2.7'), protocol: 112 },
      { destination: prefix('fd05::/64'), link: 'v0', protocol: 112 },
    ];
    const noun = { diff: diffRoutes, read: () => net.routes({ protocol: 112 }), apply: net.applyRoutes };
    assert.equal(noun.read().length, 4);
    assertSettles(noun, [desired]);
  });
});

test('rules settle, also those that say what is no condition, and those of one priority', async () => {
  await withWires((net) => {
    const noun = { diff: diffRules, read: () => net.rules({ protocol: 112 }), apply: net.applyRules };
    const rule: Rule = { priority: 100, table: 10, protocol: 112 };
    const from = prefix('10.0.0.0/8');
    assertSettles(noun, [
      [{ ...rule, from: prefix('0.0.0.0/0') }],
      [{ ...rule, to: prefix('::/0') }],
      [{ ...rule, ipProtocol: 0, flow: 0, tunnelId: 0n }],
      [{ ...rule, from, invert: true }],
      [
        { ...rule, from, invert: true },
        { ...rule, from },
      ],
      [{ ...rule, mark: 5 }, rule, { ...rule, suppressPrefixLength: 0 }],
      [{ ...rule, mark: 5 }],
    ]);
    assert.throws(() => net.applyRules({ add: [{ ...rule, table: 0 }], remove: [] }), { code: 'NET_BAD_VALUE' });
  });
});

test('a rule that is gone does not take a similar one along', async () => {
  await withWires((net) => {
    const marked: Rule = { priority: 100, mark: 5, table: 10, protocol: 112 };
    net.applyRules({ add: [marked], remove: [] });
    net.applyRules({ add: [], remove: [{ priority: 100, table: 10, protocol: 112 }] });
    assert.equal(net.rules({ protocol: 112 }).length, 1);
  });
});

test('next hops settle, also from a single one to a group and back', async () => {
  await withWires((net) => {
    const noun = { diff: diffNextHops, read: () => net.nextHops(), apply: net.applyNextHops };
    const two = { id: 2, via: ip('192.0.2.7'), link: 'v0' };
    const group = [{ id: 2 }];
    assertSettles(noun, [
      [two, { id: 1, group, resilient: { buckets: 8 } }],
      [two, { id: 1, group }],
      [two, { id: 1, via: ip('192.0.2.8'), link: 'v0', onlink: false, fdb: false, protocol: 0 }],
      [two, { id: 1, via: ip('fd00::8'), link: 'v0', family: 'ipv6' }],
      [two, { id: 1, blackhole: true }],
    ]);
  });
});

test('forwarding entries and neighbours settle', async () => {
  await withWires((net) => {
    net.createLink({ name: 'pw0', kind: 'vxlan', vxlan: { vni: 7, local: ip('192.0.2.1'), port: 8472 } });
    const entry = { link: 'pw0', mac: '02:00:00:00:00:09', destination: ip('192.0.2.9') };
    const learned = { ...entry, permanent: false, externLearn: true };
    assertSettles({ diff: diffFdb, read: () => net.fdb('pw0'), apply: net.applyFdb }, [
      [{ ...entry, sticky: false, externLearn: false, static: false }],
      [learned],
      [{ ...learned, permanent: true }],
      [entry],
    ]);
    const managed = { link: 'v0', address: ip('192.0.2.20'), managed: true, state: 'incomplete' as const };
    assertSettles({ diff: diffNeighbours, read: () => net.neighbours('v0'), apply: net.applyNeighbours }, [
      [managed],
      [{ link: 'v0', address: ip('fd00::20'), mac: entry.mac, router: false, managed: false }],
    ]);
  });
});

test('removals: nothing is written when one is wrong, and what was on a link that is gone is gone', async () => {
  await withWires((net) => {
    const wanted: Route = { destination: prefix('10.5.0.0/16'), link: 'v0', protocol: 112 };
    const wrong = { destination: 'nonsense' as Prefix };
    assert.throws(() => net.applyRoutes({ add: [wanted], remove: [wrong] }), { code: 'NET_BAD_VALUE' });
    const badRule = { priority: 7, table: 2 ** 32 };
    assert.throws(() => net.applyRules({ add: [{ priority: 8 }], remove: [badRule] }), { code: 'NET_BAD_VALUE' });
    assert.deepEqual(net.routes({ protocol: 112 }), []);
    const gone = { link: 'gone0', address: ip('10.1.1.1'), prefixLength: 24 };
    const results = [
      ...net.applyRoutes({ add: [wanted], remove: [{ ...wanted, link: 'gone0' }] }),
      ...net.applyRoutes({ add: [], remove: [{ destination: wanted.destination, nextHops: [{ link: 'gone0' }] }] }),
      ...net.applyAddresses({ add: [], remove: [gone] }),
      ...net.applyNeighbours({ add: [], remove: [gone] }),
      ...net.applyFdb({ add: [], remove: [{ link: 'gone0', mac: '02:00:00:00:00:09' }] }),
    ];
    assert.deepEqual(
      results.map(({ error }) => error),
      results.map(() => undefined),
    );
    assert.equal(net.deleteAddress(gone), false);
    assert.equal(net.deleteNeighbour(gone), false);
    assert.equal(net.routes({ protocol: 112 }).length, 1);
    assert.throws(() => net.applyAddresses({ add: [gone], remove: [] }), { code: 'NET_NO_LINK' });
  });
});

test('a removal that names no type fits every type', async () => {
  await withWires((net) => {
    const destination = prefix('10.5.0.0/16');
    net.applyRoutes({ add: [{ destination, type: 'blackhole', protocol: 112 }], remove: [] });
    net.applyRoutes({ add: [], remove: [{ destination }] });
    assert.deepEqual(net.routes({ protocol: 112 }), []);
  });
});
