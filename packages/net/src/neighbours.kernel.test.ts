import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import test from 'node:test';
import type { Netns } from '@podwire/kernel';
import { withNetns } from '@podwire/kernel/testing';
import { diffFdb, diffNeighbours } from './diff.ts';
import type { FdbEntry } from './fdb.ts';
import { ip, ipJson, withWires } from './namespace.fixture.ts';
import type { Neighbour } from './neighbour.ts';
import { openNet } from './net.ts';
import { diffSysctls } from './sysctl.ts';

/** bridge(8) of iproute2. */
const BRIDGE = 'bridge';
const bridgeJson = (netns: Netns, ...args: string[]): Record<string, unknown>[] =>
  JSON.parse(execFileSync(BRIDGE, ['-n', netns.name ?? '', '-j', ...args]).toString());

const errorsOf = (results: readonly { readonly error: Error | undefined }[]) =>
  results.flatMap(({ error }) => error?.message ?? []);

test('neighbours of every sort are read back as written and shown by ip neigh', async () => {
  await withWires((net, netns) => {
    const on = { link: 'v0', mac: '02:00:00:00:00:09', protocol: 112 };
    const neighbours: Neighbour[] = [
      { ...on, address: ip('192.0.2.9') },
      { ...on, address: ip('192.0.2.10'), state: 'stale' },
      { ...on, address: ip('192.0.2.11'), state: 'stale', externLearn: true },
      { ...on, address: ip('fd00::9'), router: true },
      { link: 'v0', address: ip('192.0.2.12'), proxy: true, protocol: 112 },
      { link: 'v0', address: ip('fd00::12'), proxy: true, protocol: 112 },
    ];
    assert.deepEqual(errorsOf(net.applyNeighbours({ add: neighbours, remove: [] })), []);
    const mine = () => net.neighbours('v0').filter((n) => n.protocol === 112);
    assert.deepEqual(diffNeighbours(neighbours, mine()), { add: [], remove: [] });
    const shown = ipJson(netns, 'neigh', 'show', 'dev', 'v0');
    const found = (dst: string) => shown.find((one) => one.dst === dst) ?? assert.fail(`no ${dst} in ip neigh`);
    assert.partialDeepStrictEqual(found('192.0.2.9'), { lladdr: '02:00:00:00:00:09', state: ['PERMANENT'] });
    assert.partialDeepStrictEqual(found('192.0.2.11'), { extern_learn: null });
    assert.partialDeepStrictEqual(found('fd00::9'), { router: null });
    assert.deepEqual(errorsOf(net.applyNeighbours({ add: [], remove: mine() })), []);
    assert.deepEqual(mine(), []);
  });
});

test('fdb entries of a VXLAN link: several destinations, ports, next hop groups', async () => {
  await withWires((net, netns) => {
    net.createLink({ name: 'pw0', kind: 'vxlan', vxlan: { vni: 7, local: ip('192.0.2.1'), port: 8472 } });
    net.applyNextHops({
      add: [
        { id: 1, via: ip('192.0.2.5'), fdb: true },
        { id: 10, group: [{ id: 1 }], fdb: true },
      ],
      remove: [],
    });
    const entries: FdbEntry[] = [
      { link: 'pw0', mac: '02:00:00:00:00:09', destination: ip('192.0.2.9'), port: 4789, vni: 9, via: 'v0' },
      { link: 'pw0', mac: '02:00:00:00:00:0a', destination: ip('192.0.2.10'), permanent: false, externLearn: true },
      { link: 'pw0', mac: '02:00:00:00:00:0b', nextHopId: 10 },
      ...['192.0.2.9', '192.0.2.10', '192.0.2.11'].map((destination) => ({
        link: 'pw0',
        mac: '00:00:00:00:00:00',
        destination: ip(destination),
      })),
    ];
    assert.deepEqual(errorsOf(net.applyFdb({ add: entries, remove: [] })), []);
    assert.deepEqual(diffFdb(entries, net.fdb('pw0')), { add: [], remove: [] });
    const shown = bridgeJson(netns, 'fdb', 'show', 'dev', 'pw0');
    const found = (mac: string) => shown.find((one) => one.mac === mac) ?? assert.fail(`no ${mac} in bridge fdb`);
    assert.partialDeepStrictEqual(found('02:00:00:00:00:09'), { dst: '192.0.2.9', port: 4789, vni: 9, viaIf: 'v0' });
    assert.deepEqual(shown.filter(({ mac }) => mac === '00:00:00:00:00:00').length, 3);
    const moved = entries
      .map((e) => (e.mac === '02:00:00:00:00:09' ? { ...e, destination: ip('192.0.2.8') } : e))
      .slice(0, -1);
    const difference = diffFdb(moved, net.fdb('pw0'));
    assert.deepEqual([difference.add.length, difference.remove.length], [1, 1]);
    assert.deepEqual(errorsOf(net.applyFdb(difference)), []);
    assert.deepEqual(diffFdb(moved, net.fdb('pw0')), { add: [], remove: [] });
  });
});

test('fdb entries of bridge ports', async () => {
  await withWires((net, netns) => {
    net.createLink({ name: 'pw0', kind: 'bridge' });
    net.setLink('v1', { master: 'pw0', bridgePort: { learning: false, cost: 7, priority: 5 } });
    assert.partialDeepStrictEqual(net.link('v1')?.bridgePort, { learning: false, cost: 7, priority: 5, flood: true });
    const entry: FdbEntry = { link: 'v1', mac: '02:00:00:00:00:09', master: true, permanent: true };
    const staying: FdbEntry = { link: 'v1', mac: '02:00:00:00:00:0a', master: true, static: true, sticky: true };
    assert.deepEqual(errorsOf(net.applyFdb({ add: [entry, staying], remove: [] })), []);
    const shown = bridgeJson(netns, 'fdb', 'show', 'br', 'pw0');
    assert.ok(shown.some((one) => one.mac === entry.mac && one.master === 'pw0' && one.state === 'permanent'));
    assert.partialDeepStrictEqual(
      net.fdb('v1').find(({ mac }) => mac === staying.mac),
      staying,
    );
    assert.ok(shown.some((one) => one.mac === staying.mac && one.state === 'static'));
    assert.equal(net.deleteFdb(entry), true);
    assert.equal(net.deleteFdb(entry), false);
  });
});

test('sysctls as data: what differs is written, what is missing is an error of its own', async () => {
  await withNetns(2, (netns, other) => {
    const [net, elsewhere] = [openNet(netns), openNet(other)];
    const desired = { 'net/ipv4/ip_forward': '1', 'net/ipv4/tcp_rmem': '4096 131072 6291456', 'net/ipv4/nope': '1' };
    const paths = Object.keys(desired);
    assert.deepEqual(Object.keys(net.sysctls(paths)), paths.slice(0, 2));
    const results = net.applySysctls(diffSysctls(desired, net.sysctls(paths)));
    assert.equal(results.find(({ change }) => change.path === 'net/ipv4/nope')?.error?.code, 'NET_BAD_SYSCTL');
    assert.deepEqual(
      diffSysctls(desired, net.sysctls(paths)).map(({ path }) => path),
      ['net/ipv4/nope'],
    );
    assert.equal(elsewhere.getSysctl('net/ipv4/ip_forward'), '0');
    net.close();
    elsewhere.close();
  });
});

test('namespaces are known by number, given by the kernel or by us', async () => {
  await withNetns(3, (here, a, b) => {
    const net = openNet(here);
    assert.equal(net.nsid(a), undefined);
    assert.equal(net.assignNsid(a, 7), 7);
    assert.equal(net.assignNsid(a), 7);
    assert.equal(net.nsid(a), 7);
    assert.ok(net.assignNsid(b) >= 0);
    assert.throws(() => net.assignNsid(b, 7), { code: 'KERNEL_CALL' });
    net.createLink({ name: 'pw0', kind: 'veth', peer: { name: 'eth0', netns: a } });
    assert.equal(net.link('pw0')?.peerNetnsId, 7);
    net.close();
  });
});

test('a link moves to another namespace and answers to its other names', async () => {
  await withNetns(2, (here, there) => {
    const [net, far] = [openNet(here), openNet(there)];
    net.createLink({
      name: 'pw0',
      kind: 'veth',
      peer: { name: 'pw1' },
      altNames: ['a-name-of-more-than-fifteen-bytes', 'b'],
    });
    assert.equal(net.link('a-name-of-more-than-fifteen-bytes')?.name, 'pw0');
    net.setLink('pw0', { altNames: ['c'] });
    assert.deepEqual(net.link('pw0')?.altNames, ['c']);
    net.setLink('pw1', { netns: there, rename: 'eth0' });
    assert.equal(net.link('pw1'), undefined);
    assert.equal(far.link('eth0')?.kind, 'veth');
    net.close();
    far.close();
  });
});
