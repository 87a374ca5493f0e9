import assert from 'node:assert/strict';
import test from 'node:test';
import { hasCode, type IpAddress, messageOf, type Prefix } from '@podwire/base';
import { KernelError } from '@podwire/kernel';
import fc from 'fast-check';
import type { LinkSpec } from './link-creation.ts';
import { ip, prefix, withWires } from './namespace.fixture.ts';

const CODES = /^(NET|KERNEL)_[A-Z_]+$/;

test('names, addresses, prefixes and numbers that cannot be are refused before the kernel sees them', async () => {
  await withWires((net) => {
    const bad: [object: RegExp, run: () => unknown][] = [
      [/link ""/, () => net.createBridge({ name: '' })],
      [/link "a b"/, () => net.createBridge({ name: 'a b' })],
      [/link "sixteen-bytes-xx"/, () => net.createBridge({ name: 'sixteen-bytes-xx' })],
      [/link "br%d"/, () => net.createBridge({ name: 'br%d' })],
      [/link "\.\."/, () => net.setLink('v0', { rename: '..' })],
      [/link x/, () => net.createLink({ name: 'x', kind: 'veth' })],
      [/link x/, () => net.createLink({ name: 'x', kind: 'vlan', lower: 'v0', vlan: { id: 70_000 } })],
      [/link x/, () => net.createLink({ name: 'x', kind: 'macvlan', lower: 'v0', macvlan: { mode: 'none' as never } })],
      [/link v0/, () => net.setLink('v0', { mac: 'not a mac' })],
      [/link v0/, () => net.setLink('v0', { mtu: -1 })],
      [/link v0/, () => net.setLink('v0', { vxlan: { ttl: 3 } })],
      [/link v0/, () => net.setLink('v0', { lower: 'w0' })],
      [
        /address nonsense\/24 dev v0/,
        () => net.addAddress({ link: 'v0', address: 'nonsense' as IpAddress, prefixLength: 24 }),
      ],
      [
        /address 10\.0\.0\.1\/33 dev v0/,
        () => net.addAddress({ link: 'v0', address: ip('10.0.0.1'), prefixLength: 33 }),
      ],
      [/neighbour x dev v0/, () => net.replaceNeighbour({ link: 'v0', address: 'x' as IpAddress })],
      [/fdb entry x dev v0/, () => net.replaceFdb({ link: 'v0', mac: 'x' })],
      [/rule 7/, () => net.applyRules({ add: [{ priority: 7, from: '10.0.0.0/40' as Prefix }], remove: [] })],
      [
        /rule 7/,
        () => net.applyRules({ add: [{ priority: 7, family: 'ipv6', to: prefix('10.0.0.0/8') }], remove: [] }),
      ],
      [/rule 7/, () => net.applyRules({ add: [{ priority: 7, action: 'goto' }], remove: [] })],
      [/next hop 0/, () => net.applyNextHops({ add: [{ id: 0, link: 'v0' }], remove: [] })],
    ];
    for (const [object, run] of bad)
      assert.throws(run, (error) => hasCode(error, 'NET_BAD_VALUE') && object.test(messageOf(error)));
  });
});

test('what the kernel refuses is a KernelError that names the object and has its own words', async () => {
  await withWires((net) => {
    const refused = (run: () => unknown): KernelError => {
      try {
        run();
      } catch (error) {
        if (error instanceof KernelError) return error;
        throw error;
      }
      return assert.fail('the kernel took it');
    };
    const unknown = refused(() => net.createLink({ name: 'x', kind: 'quantum', data: Buffer.alloc(0) }));
    assert.match(unknown.message, /create quantum x: .*EOPNOTSUPP/);
    assert.match(unknown.extack ?? '', /Unknown device type/i);
    const small = refused(() => net.setLink('v0', { mtu: 10 }));
    assert.match(small.message, /set link v0/);
    assert.match(small.extack ?? '', /mtu/i);
    const [route] = net.applyRoutes({
      add: [{ destination: prefix('10.0.0.0/8'), via: ip('203.0.113.9') }],
      remove: [],
    });
    assert.match(route?.error?.message ?? '', /add route 10\.0\.0\.0\/8 via 203\.0\.113\.9.*gateway/);
    const [hop] = net.applyNextHops({ add: [{ id: 1, group: [{ id: 99 }] }], remove: [] });
    assert.match(hop?.error?.message ?? '', /add next hop 1/);
    const results = net.applyLinks({
      remove: ['nope'],
      create: [
        { name: 'x', kind: 'quantum' },
        { name: 'y', kind: 'bridge' },
      ],
      change: [{ name: 'nope', settings: { up: true } }],
    });
    assert.deepEqual(
      results.map(({ name, action, error }) => [name, action, error?.code]),
      [
        ['nope', 'remove', undefined],
        ['x', 'create', 'KERNEL_CALL'],
        ['y', 'create', undefined],
        ['nope', 'change', 'NET_NO_LINK'],
      ],
    );
    assert.equal(net.link('x'), undefined);
    refused(() => net.createLink({ name: 'z', kind: 'bridge', mtu: 3 }));
    assert.equal(net.link('z'), undefined, 'a link whose settings are refused is not left behind');
  });
});

/** Objects have no `toString` of their own, for what cannot be text can be told by nobody. */
const junk = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.integer(),
  fc.double(),
  fc.boolean(),
  fc.constant(null),
  fc.array(fc.string(), { maxLength: 2 }),
  fc.object({
    key: fc.constantFrom('a', '0', 'length', 'kind', 'then'),
    maxDepth: 1,
    maxKeys: 2,
    withNullPrototype: false,
  }),
);
const noun = (...keys: string[]) =>
  fc.dictionary(fc.constantFrom(...keys), junk, { maxKeys: 4, noNullPrototype: true });

test('whatever stands in an object, there is an error of ours or a result, and never another exception', async () => {
  await withWires((net) => {
    const attempt = (run: () => unknown) => {
      try {
        run();
      } catch (error) {
        assert.match((error as { code?: string }).code ?? String((error as Error).stack), CODES);
      }
    };
    const link = noun(
      'mtu',
      'mac',
      'alias',
      'group',
      'txQueueLength',
      'bridge',
      'vxlan',
      'up',
      'altNames',
      'master',
      'bridgePort',
    );
    fc.assert(
      fc.property(link, (given) => {
        attempt(() => net.createLink({ name: 'junk0', kind: 'bridge', ...given } as LinkSpec));
        attempt(() => net.setLink('v1', given as never));
        attempt(() => net.deleteLink('junk0'));
      }),
      { numRuns: 150 },
    );
    const route = noun(
      'destination',
      'via',
      'link',
      'source',
      'protocol',
      'scope',
      'table',
      'priority',
      'mtu',
      'metrics',
      'type',
      'nextHops',
      'encap',
      'tos',
      'from',
      'expires',
      'nextHopId',
    );
    fc.assert(
      fc.property(route, (given) => {
        attempt(() =>
          net.applyRoutes({ add: [{ destination: '10.0.0.0/8', link: 'v0', ...given } as never], remove: [] }),
        );
        attempt(() => net.applyRoutes({ add: [], remove: [{ destination: '10.0.0.0/8', ...given } as never] }));
      }),
      { numRuns: 300 },
    );
    const rule = noun(
      'priority',
      'from',
      'to',
      'inLink',
      'mark',
      'table',
      'uidRange',
      'action',
      'tunnelId',
      'destinationPorts',
    );
    fc.assert(
      fc.property(rule, (given) => {
        const one = { priority: 7, family: 'ipv4', protocol: 112, ...given } as never;
        attempt(() => net.applyRules({ add: [one], remove: [] }));
        attempt(() => net.applyRules({ add: [], remove: [one] }));
      }),
      { numRuns: 150 },
    );
    const address = noun('address', 'prefixLength', 'peer', 'label', 'scope', 'validLifetime', 'link', 'protocol');
    fc.assert(
      fc.property(address, (given) => {
        attempt(() => net.addAddress({ link: 'v1', address: '10.77.0.1', prefixLength: 24, ...given } as never));
        attempt(() => net.replaceNeighbour({ link: 'v1', mac: '02:00:00:00:00:01', ...given } as never));
        attempt(() => net.replaceFdb({ link: 'v1', mac: '02:00:00:00:00:01', ...given } as never));
        attempt(() => net.applyNextHops({ add: [{ id: 9, link: 'v1', ...given } as never], remove: [] }));
      }),
      { numRuns: 150 },
    );
  });
});
