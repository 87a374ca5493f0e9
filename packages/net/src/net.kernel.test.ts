import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import test from 'node:test';
import { hasCode, type IpAddress, type Prefix, parseIp } from '@podwire/base';
import { isErrno, type Netns } from '@podwire/kernel';
import { withNetns } from '@podwire/kernel/testing';
import { type Net, openNet } from './net.ts';
import type { Route } from './route.ts';
import { diffRoutes } from './route-diff.ts';

/** bridge(8) of iproute2. */
const BRIDGE = 'bridge';
const ipCommand = (netns: Netns, ...args: string[]) => execFileSync('ip', ['-n', netns.name ?? '', ...args]).toString();
const address = (link: string, text: string, prefixLength = 24) => ({ link, address: parseIp(text), prefixLength });

/** One namespace with a veth pair, v0 and v1, both up, 192.0.2.1/24 on v0. */
async function withVeth(fn: (net: Net, netns: Netns) => void): Promise<void> {
  await withNetns(1, (netns) => {
    const net = openNet(netns);
    try {
      net.createVeth({ name: 'v0', peer: { name: 'v1', netns } });
      for (const name of ['v0', 'v1']) net.setLink(name, { up: true });
      net.addAddress(address('v0', '192.0.2.1'));
      fn(net, netns);
    } finally {
      net.close();
    }
  });
}

test('links are created with their settings, changed, renamed and deleted', async () => {
  await withNetns(2, (a, b) => {
    const [net, other] = [openNet(a), openNet(b)];
    net.createBridge({ name: 'br0', mac: '02:00:00:00:00:01' });
    net.createVeth({
      name: 'v0',
      mac: 'ee:ee:ee:ee:ee:ee',
      mtu: 1400,
      peer: { name: 'eth0', netns: b, mac: '02:00:00:00:00:02' },
    });
    net.setLink('v0', { master: 'br0', isolated: true, hairpin: true, alias: 'pod default/a' });
    const { index, peerIndex, ...v0 } = net.link('v0') ?? assert.fail('no v0');
    const expected = { name: 'v0', kind: 'veth', up: false, carrier: false, mtu: 1400, mac: 'ee:ee:ee:ee:ee:ee' };
    assert.partialDeepStrictEqual(v0, {
      ...expected,
      master: 'br0',
      isolated: true,
      hairpin: true,
      alias: 'pod default/a',
    });
    assert.equal(net.nsid(b), v0.peerNetnsId);
    assert.ok(index > 1);
    assert.equal(peerIndex, other.link('eth0')?.index);
    assert.equal(other.link('eth0')?.mtu, 1400);
    assert.equal(other.link('eth0')?.mac, '02:00:00:00:00:02');
    net.setLink('v0', { up: true, mtu: 1300, rename: 'v1', master: null });
    assert.deepEqual(
      net.links().map((l) => l.name),
      ['lo', 'br0', 'v1'],
    );
    const { up, mtu, master } = net.link('v1') ?? assert.fail('no v1');
    assert.deepEqual({ up, mtu, master }, { up: true, mtu: 1300, master: undefined });
    assert.equal(net.deleteLink('v1'), true);
    assert.equal(net.deleteLink('v1'), false);
    assert.equal(other.link('eth0'), undefined);
    net.close();
    other.close();
  });
});

test('what is not there and what is taken is said', async () => {
  await withVeth((net) => {
    const noLink = (error: unknown) => hasCode(error, 'NET_NO_LINK');
    assert.throws(() => net.setLink('nope', { up: true }), noLink);
    assert.throws(() => net.setLink('v0', { master: 'nope' }), noLink);
    assert.throws(() => net.addresses('nope'), noLink);
    assert.throws(
      () => net.applyRoutes({ add: [{ destination: '10.0.0.0/8' as Prefix, link: 'nope' }], remove: [] }),
      noLink,
    );
    assert.throws(
      () => net.createBridge({ name: 'v0' }),
      (error) => isErrno(error, 'EEXIST'),
    );
    assert.equal(net.link('a-name-longer-than-the-kernel-allows'), undefined);
    assert.equal(net.deleteLink('a-name-longer-than-the-kernel-allows'), false);
  });
});

test('addresses come and go, twice without harm', async () => {
  await withVeth((net, netns) => {
    const own = { ...address('v0', '198.51.100.1', 32), scope: 'host' as const, protocol: 112 };
    net.addAddress(own);
    net.addAddress(own);
    assert.deepEqual(
      net.addresses('v0').filter((a) => a.address === own.address),
      [own],
    );
    assert.match(ipCommand(netns, 'addr', 'show', 'dev', 'v0'), /inet 198\.51\.100\.1\/32 scope host/);
    assert.equal(net.deleteAddress(own), true);
    assert.equal(net.deleteAddress(own), false);
    net.addAddress(address('v0', 'fd00::1', 64));
    assert.ok(net.addresses().some((a) => a.address === 'fd00::1' && a.link === 'v0' && a.prefixLength === 64));
  });
});

const routesVia = (via: string, count: number): Route[] =>
  Array.from({ length: count }, (_, i) => ({
    destination: `10.${i >> 8}.${i & 255}.0/24` as Prefix,
    via: via as IpAddress,
    link: 'v0',
    protocol: 112,
  }));

test('a thousand routes are written, observed, changed and removed; iproute2 counts the same', async () => {
  await withVeth((net, netns) => {
    const count = () => ipCommand(netns, 'route', 'show', 'proto', '112').split('\n').length - 1;
    const desired = routesVia('192.0.2.2', 1000);
    const results = net.applyRoutes({ add: desired, remove: [] });
    assert.equal(results.length, 1000);
    assert.ok(results.every((r) => r.error === undefined));
    assert.equal(count(), 1000);
    assert.deepEqual(diffRoutes(desired, net.routes({ protocol: 112 })), { add: [], remove: [] });
    const later = [...routesVia('192.0.2.3', 1), ...desired.slice(1, 900)];
    const difference = diffRoutes(later, net.routes({ protocol: 112 }));
    assert.deepEqual([difference.add.length, difference.remove.length], [1, 100]);
    assert.ok(net.applyRoutes(difference).every((r) => r.error === undefined));
    assert.equal(count(), 900);
    assert.deepEqual(diffRoutes(later, net.routes({ protocol: 112 })), { add: [], remove: [] });
    assert.match(ipCommand(netns, 'route', 'get', '10.0.0.1'), /via 192\.0\.2\.3/);
    assert.ok(net.applyRoutes({ add: [], remove: later }).every((r) => r.error === undefined));
    assert.equal(count(), 0);
  });
});

test('a route that the kernel refuses does not stop the others', async () => {
  await withVeth((net) => {
    const [good] = routesVia('192.0.2.2', 1) as [Route];
    const bad: Route = { destination: '10.9.0.0/24' as Prefix, via: parseIp('203.0.113.1'), link: 'v0' };
    const results = net.applyRoutes({ add: [bad, good], remove: [{ destination: '10.8.0.0/24' as Prefix }] });
    assert.deepEqual(
      results.map((r) => [r.action, r.error?.errnoName]),
      [
        ['add', 'ENETUNREACH'],
        ['add', undefined],
        ['remove', undefined],
      ],
    );
    assert.equal(results[0]?.error?.extack, 'Nexthop has invalid gateway');
    assert.equal(net.applyRoutes({ add: [{ ...bad, onlink: true }], remove: [] })[0]?.error, undefined);
  });
});

test('kinds of routes read back as written', async () => {
  await withVeth((net, netns) => {
    const routes: Route[] = [
      {
        destination: '0.0.0.0/0' as Prefix,
        via: parseIp('169.254.1.1'),
        link: 'v0',
        onlink: true,
        protocol: 113,
        source: parseIp('192.0.2.1'),
        mtu: 1400,
      },
      { destination: '10.1.2.3/32' as Prefix, link: 'v0', protocol: 113, priority: 50 },
      { destination: '10.2.0.0/16' as Prefix, type: 'blackhole', protocol: 113, table: 1000 },
      { destination: 'fd01::/64' as Prefix, link: 'v0', protocol: 113 },
    ];
    assert.deepEqual(
      net.applyRoutes({ add: routes, remove: [] }).map((r) => r.error),
      [undefined, undefined, undefined, undefined],
    );
    const mine = net.routes({ protocol: 113, table: 0 });
    assert.deepEqual(
      diffRoutes(
        routes.slice(0, 3),
        mine.filter((r) => !r.destination.includes(':')),
      ),
      { add: [], remove: [] },
    );
    assert.deepEqual(
      mine.filter((r) => r.destination === 'fd01::/64').map((r) => r.link),
      ['v0'],
    );
    assert.match(
      ipCommand(netns, 'route', 'show', 'default'),
      /via 169\.254\.1\.1 dev v0 proto 113 src 192\.0\.2\.1 onlink mtu 1400/,
    );
    assert.equal(net.routes({ protocol: 113 }).length, 3);
    assert.deepEqual(net.routes({ table: 4321 }), []);
  });
});

test('neighbours: permanent and proxy entries', async () => {
  await withVeth((net, netns) => {
    const peer = { link: 'v0', address: parseIp('192.0.2.9'), mac: '02:00:00:00:00:09', state: 'permanent' as const };
    net.replaceNeighbour({ ...peer, mac: '02:00:00:00:00:08' });
    net.replaceNeighbour(peer);
    net.replaceNeighbour({ link: 'v0', address: parseIp('192.0.2.10'), proxy: true });
    assert.match(ipCommand(netns, 'neigh', 'show', 'dev', 'v0'), /192\.0\.2\.9 lladdr 02:00:00:00:00:09 PERMANENT/);
    assert.deepEqual(net.neighbours('v0'), [peer, { link: 'v0', address: '192.0.2.10', proxy: true }]);
    assert.equal(net.deleteNeighbour({ link: 'v0', address: parseIp('192.0.2.10'), proxy: true }), true);
    assert.equal(net.deleteNeighbour(peer), true);
    assert.equal(net.deleteNeighbour(peer), false);
    assert.deepEqual(net.neighbours('v0'), []);
  });
});

test('fdb entries of a VXLAN link', async () => {
  await withVeth((net, netns) => {
    net.createVxlan({ name: 'pwf0', vni: 7, local: parseIp('192.0.2.1'), port: 8472, learning: false, mtu: 1400 });
    assert.partialDeepStrictEqual(net.link('pwf0')?.vxlan, { vni: 7, local: '192.0.2.1', port: 8472, learning: false });
    const entry = (mac: string, destination: string) => ({
      link: 'pwf0',
      mac,
      destination: parseIp(destination),
      permanent: true,
    });
    net.replaceFdb(entry('02:00:00:00:00:07', '192.0.2.2'));
    net.replaceFdb(entry('02:00:00:00:00:07', '192.0.2.3'));
    const flood = ['192.0.2.2', '192.0.2.3'].map((d) => entry('00:00:00:00:00:00', d));
    for (const one of flood) net.appendFdb(one);
    assert.deepEqual(net.fdb('pwf0'), [...flood, entry('02:00:00:00:00:07', '192.0.2.3')]);
    const listing = execFileSync(BRIDGE, ['-n', netns.name ?? '', 'fdb', 'show', 'dev', 'pwf0']).toString();
    assert.match(listing, /02:00:00:00:00:07 dst 192\.0\.2\.3 self permanent/);
    assert.equal(net.deleteFdb(entry('02:00:00:00:00:07', '192.0.2.3')), true);
    assert.equal(net.deleteFdb(entry('02:00:00:00:00:07', '192.0.2.3')), false);
    assert.equal(net.fdb('pwf0').length, 2);
  });
});

test('sysctls belong to the namespace; a path cannot leave /proc/sys', async () => {
  await withNetns(2, (a, b) => {
    const [net, other] = [openNet(a), openNet(b)];
    net.setSysctl('net/ipv4/ip_forward', '1');
    assert.deepEqual(
      [net, other].map((n) => n.getSysctl('net/ipv4/ip_forward')),
      ['1', '0'],
    );
    const bad = (error: unknown) => hasCode(error, 'NET_BAD_SYSCTL');
    for (const path of ['net/ipv4/nope', '../../etc/hostname', 'net/../../x', '', 'net//ipv4']) {
      assert.throws(() => net.getSysctl(path), bad, path);
    }
    assert.throws(() => net.setSysctl('net/ipv4/ip_forward', 'maybe'), bad);
    net.close();
    net.close();
    assert.throws(
      () => net.links(),
      (error) => hasCode(error, 'NET_CLOSED'),
    );
    other.close();
  });
});
