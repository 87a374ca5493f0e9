import assert from 'node:assert/strict';
import test from 'node:test';
import { type IpAddress, type Prefix, prefixOf } from '@podwire/base';
import fc from 'fast-check';
import { diffRules } from './diff.ts';
import type { LinkSpec } from './link-creation.ts';
import { ip, ipText, withWires } from './namespace.fixture.ts';
import type { Net } from './net.ts';
import { applyNet, failuresOf } from './net-apply.ts';
import { isEmptyPlan, planNet } from './net-plan.ts';
import { type DesiredNet, observeNet } from './net-state.ts';
import type { NextHop } from './next-hop.ts';
import type { Route } from './route.ts';
import { diffRoutes } from './route-diff.ts';
import type { Rule } from './rule.ts';

const PROTOCOL = 112;
const OWNER = { protocol: PROTOCOL, prefix: 'pw' };
const RUNS = { numRuns: 25 };
const none = { add: [], remove: [] };

const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
/** Drops absent properties. */
const compact = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as T;

const v4 = fc.tuple(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 8, max: 32 }));
const destination4 = v4.map(([n, length]) => prefixOf(`10.${n}.${n}.${n}` as IpAddress, length));
const destination6 = fc
  .tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 32, max: 128 }))
  .map(([n, length]) => prefixOf(`fd0${n}:${n}::${n}` as IpAddress, length));
const hop4 = fc.constantFrom<NextHop>(
  { via: ip('192.0.2.7'), link: 'v0' },
  { via: ip('192.0.2.8') },
  { via: ip('198.51.100.7'), link: 'w0' },
  { link: 'v0' },
);
const hop6 = fc.constantFrom<NextHop>(
  { via: ip('fd00::7'), link: 'v0' },
  { via: ip('fd00::8'), link: 'v0' },
  { via: ip('fd00:1::7'), link: 'w0' },
);
const table = fc.constantFrom(undefined, 7, 254, 1000);
const priority = fc.constantFrom(undefined, 5, 1024);
const weighted = (hop: fc.Arbitrary<NextHop>) =>
  fc
    .uniqueArray(fc.tuple(hop, optional(fc.integer({ min: 1, max: 9 }))), {
      minLength: 2,
      maxLength: 3,
      selector: ([{ via, link }]) => `${via ?? link}`,
    })
    .map((hops) => hops.map(([one, weight]) => compact({ ...one, weight })));

function waysOf(hop: fc.Arbitrary<NextHop>): fc.Arbitrary<Partial<Route>> {
  return fc.oneof(
    hop,
    fc.record({ nextHops: weighted(hop) }),
    fc.record({ type: fc.constantFrom('blackhole', 'unreachable', 'prohibit', 'throw') }),
  ) as fc.Arbitrary<Partial<Route>>;
}

const route = fc
  .oneof(fc.tuple(destination4, waysOf(hop4)), fc.tuple(destination6, waysOf(hop6)))
  .chain(([destination, way]) =>
    fc
      .record({ table, priority, mtu: optional(fc.integer({ min: 1280, max: 9000 })) })
      .map((rest): Route => compact({ destination, ...way, ...rest, protocol: PROTOCOL }) as Route),
  );
const routeId = (r: Route) =>
  `${r.destination} ${r.table ?? 254} ${r.priority ?? (r.destination.includes(':') ? 1024 : 0)}`;
const routes = fc.uniqueArray(route, { maxLength: 12, selector: routeId });

const rule = fc
  .record({
    priority: fc.integer({ min: 1, max: 20 }),
    family: fc.constantFrom('ipv4' as const, 'ipv6' as const),
    mark: optional(fc.integer({ min: 0, max: 0xffffffff })),
    inLink: fc.constantFrom(undefined, 'v0', 'later0'),
    table: fc.constantFrom(undefined, 10, 1000),
    ipProtocol: fc.constantFrom(undefined, 6, 17),
    tos: fc.constantFrom(undefined, 8, 16),
    invert: fc.constantFrom(undefined, true),
    suppressPrefixLength: fc.constantFrom(undefined, 0, 8),
  })
  .map((given): Rule => compact({ ...given, protocol: PROTOCOL }) as Rule);
const rules = fc.uniqueArray(rule, { maxLength: 8, selector: (r) => JSON.stringify(r) });

function assertConverges(net: Net, desired: { routes: readonly Route[]; rules: readonly Rule[] }): void {
  const observe = () => ({
    routes: net.routes({ table: 0, protocol: PROTOCOL }),
    rules: net.rules({ protocol: PROTOCOL }),
  });
  const before = observe();
  const results = [
    ...net.applyRoutes(diffRoutes(desired.routes, before.routes)),
    ...net.applyRules(diffRules(desired.rules, before.rules)),
  ];
  assert.deepEqual(
    results.flatMap(({ error }) => error?.message ?? []),
    [],
  );
  const after = observe();
  assert.deepEqual(diffRoutes(desired.routes, after.routes), none);
  assert.equal(after.routes.length, desired.routes.length);
  assert.deepEqual(diffRules(desired.rules, after.rules), none);
}

test('random routes and rules over one another: what is desired is observed, others stay', async () => {
  await withWires((net, netns) => {
    ipText(netns, 'route', 'add', '10.9.0.0/16', 'via', '192.0.2.9', 'proto', '99');
    ipText(netns, 'rule', 'add', 'from', '10.9.0.0/16', 'lookup', '99', 'priority', '9', 'protocol', '99');
    const foreign = () => [net.rules({ protocol: 99 }), net.routes({ protocol: 99 }), net.routes({ protocol: 2 })];
    const before = foreign();
    fc.assert(
      fc.property(routes, rules, (desiredRoutes, desiredRules) =>
        assertConverges(net, { routes: desiredRoutes, rules: desiredRules }),
      ),
      RUNS,
    );
    assert.deepEqual(foreign(), before);
  });
});

const name = fc.constantFrom('pw0', 'pw1', 'pw2', 'pw3');
const vxlan = fc.record({
  vni: fc.integer({ min: 1, max: 3 }),
  ttl: fc.integer({ min: 1, max: 3 }),
  local: fc.constant(ip('192.0.2.1')),
});
const kind = fc.oneof(
  // without a MAC address of its own a bridge takes one of its ports, and the kernel forgets neighbours when it changes
  fc.record({
    kind: fc.constant('bridge'),
    mac: fc.constant('02:00:00:00:00:77'),
    bridge: fc.record({ ageingTime: fc.constantFrom(1000, 2000) }),
  }),
  vxlan.map((settings) => ({ kind: 'vxlan', vxlan: { ...settings, port: 4789 + settings.vni } })),
);
const link = fc
  .tuple(
    name,
    kind,
    fc.record({ mtu: fc.integer({ min: 1300, max: 1400 }), alias: fc.constantFrom(undefined, 'a', 'b') }),
  )
  .map(([one, settings, rest]): LinkSpec => compact({ name: one, up: true, ...settings, ...rest }) as LinkSpec);
const links = fc
  .uniqueArray(link, { maxLength: 4, selector: (one) => one.name })
  .map((all) => uniqueVnis(all).map((one) => inBridge(one, all)));

/** The kernel allows a VNI once for a port. */
function uniqueVnis(all: LinkSpec[]): LinkSpec[] {
  return all.filter((one, i) => !one.vxlan || all.findIndex((other) => other.vxlan?.vni === one.vxlan?.vni) === i);
}

function inBridge(one: LinkSpec, all: readonly LinkSpec[]): LinkSpec {
  const bridge = all.find((other) => other.kind === 'bridge');
  return one.kind === 'vxlan' && bridge ? { ...one, master: bridge.name, isolated: true } : one;
}

const state: fc.Arbitrary<DesiredNet> = fc
  .tuple(links, fc.integer({ min: 1, max: 200 }), fc.boolean(), routes)
  .map(([wanted, n, forwarding, more]) => ({
    links: wanted,
    addresses: wanted.flatMap(({ name: on }, i) => [
      { link: on, address: ip(`10.100.${i}.${n}`), prefixLength: 24 },
      { link: on, address: ip(`10.100.${i}.${n + 1}`), prefixLength: 24 },
      { link: on, address: ip(`fd77:${i}::${n}`), prefixLength: 64, noDad: true },
    ]),
    nextHops: wanted.slice(0, 1).map(() => ({ id: 7, via: ip(`192.0.2.${10 + (n % 3)}`), link: 'v0' })),
    routes: [
      ...more,
      ...wanted.map(({ name: on }, i) => ({
        destination: `10.20${i}.0.0/16` as Prefix,
        link: on,
        source: ip(`10.100.${i}.${n}`),
      })),
      ...wanted.slice(0, 1).map(() => ({ destination: '10.210.0.0/16' as Prefix, nextHopId: 7 })),
    ],
    rules: [{ priority: 100 + n, table: n, to: `10.${n}.0.0/16` as Prefix }],
    neighbours: wanted.map(({ name: on }, i) => ({
      link: on,
      address: ip(`10.100.${i}.250`),
      mac: '02:00:00:00:00:09',
    })),
    fdb: wanted.flatMap(({ name: on, kind: one }) =>
      one === 'vxlan'
        ? ['02:00:00:00:00:09', '00:00:00:00:00:00'].map((mac) => ({ link: on, mac, destination: ip(`192.0.2.${n}`) }))
        : [],
    ),
    sysctls: {
      'net/ipv4/ip_forward': forwarding ? '1' : '0',
      ...Object.fromEntries(wanted.map(({ name: on }) => [`net/ipv4/conf/${on}/rp_filter`, '2'])),
    },
  }));

test('a whole namespace: plan, apply, observe is what was desired, whatever was there before', async () => {
  await withWires((net, netns) => {
    ipText(netns, 'link', 'add', 'other0', 'type', 'bridge');
    const foreign = () => [
      net
        .links()
        .filter((l) => !l.name.startsWith('pw'))
        .map((l) => l.name),
      net.addresses('v0'),
    ];
    const before = foreign();
    fc.assert(
      fc.property(state, (desired) => {
        const observe = () => observeNet(net, OWNER, Object.keys(desired.sysctls ?? {}));
        const plan = planNet(desired, observe(), OWNER);
        assert.deepEqual(
          failuresOf(applyNet(net, plan)).map((error) => error.message),
          [],
        );
        const rest = planNet(desired, observe(), OWNER);
        assert.ok(
          isEmptyPlan(rest),
          JSON.stringify(rest, (_, v) => (typeof v === 'bigint' ? String(v) : v)),
        );
      }),
      RUNS,
    );
    applyNet(
      net,
      planNet(
        { links: [], addresses: [], nextHops: [], routes: [], rules: [], neighbours: [], fdb: [] },
        observeNet(net, OWNER),
        OWNER,
      ),
    );
    const { links: all, ...own } = observeNet(net, OWNER);
    assert.deepEqual(own, { addresses: [], nextHops: [], routes: [], rules: [], neighbours: [], fdb: [], sysctls: {} });
    assert.ok(all.every((l) => !l.name.startsWith('pw')));
    assert.deepEqual(foreign(), before);
  });
});
