import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import test from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { IpAddress } from '@podwire/base';
import { isErrno } from '../errors.ts';
import { fuzzDecoder } from '../fuzz.ts';
import { type Netlink, openNetlink } from '../netlink/netlink.ts';
import type { Netns } from '../netns/netns.ts';
import { connectTcp } from '../socket/tcp-connection.ts';
import { listenTcp } from '../socket/tcp-listener.ts';
import { withNetns } from '../testing.ts';
import { decodeGeneric, openGenericFamily } from './generic-family.ts';
import {
  createIpvsDestination,
  createIpvsService,
  deleteIpvsDestination,
  deleteIpvsService,
  flushIpvs,
  getIpvsInfo,
  getIpvsService,
  getIpvsTimeouts,
  type IpvsDestination,
  type IpvsServiceKey,
  type IpvsServiceSpec,
  listIpvsDestinations,
  listIpvsServices,
  setIpvsTimeouts,
  updateIpvsDestination,
  updateIpvsService,
  zeroIpvsStats,
} from './ipvs.ts';
import { IPVS_CMD, ipvsAttributes } from './ipvs-table.ts';

const ip = (text: string) => text as IpAddress;
const tcp = { protocol: 'tcp', address: ip('10.1.0.1'), port: 80 } as const;

async function withIpvs(fn: (netlink: Netlink<'generic'>, saved: () => string) => void): Promise<void> {
  await withNetns(1, (netns) => {
    const netlink = openNetlink('generic', netns);
    try {
      fn(netlink, () => netns.run(() => execFileSync('ipvsadm', ['-Sn']).toString()));
    } finally {
      netlink.close();
    }
  });
}

test('services of every kind as ipvsadm shows them, and as they were said', async () => {
  await withIpvs((netlink, saved) => {
    const services: readonly (readonly [IpvsServiceSpec, string])[] = [
      [{ ...tcp, scheduler: 'rr' }, '-A -t 10.1.0.1:80 -s rr'],
      [{ ...tcp, protocol: 'udp', scheduler: 'wrr', onePacket: true }, '-A -u 10.1.0.1:80 -s wrr -o'],
      [
        { ...tcp, protocol: 'sctp', scheduler: 'sh', schedulerFlags: [1, 2] },
        '-A --sctp-service 10.1.0.1:80 -s sh -b sh-fallback,sh-port',
      ],
      [
        { ...tcp, address: ip('fd00::1'), scheduler: 'lc', persistence: 300, netmask: 64 },
        '-A -t [fd00::1]:80 -s lc -p 300 -M 64',
      ],
      [
        { fwmark: 7, family: 'ipv4', scheduler: 'wlc', persistence: 60, netmask: 24 },
        '-A -f 7 -s wlc -p 60 -M 255.255.255.0',
      ],
    ];
    for (const [service] of services) createIpvsService(netlink, service);
    const lines = new Set(
      saved()
        .trim()
        .split('\n')
        .map((line) => line.trim()),
    );
    assert.deepEqual(lines, new Set(services.map(([, line]) => line)));
    const read = listIpvsServices(netlink).map(({ stats, ...service }) => {
      assert.equal(stats.connections, 0n);
      return JSON.stringify(service, Object.keys(service).sort());
    });
    const said = services.map(([service]) => JSON.stringify(service, Object.keys(service).sort()));
    assert.deepEqual(new Set(read), new Set(said));
    for (const [service] of services) assert.partialDeepStrictEqual(getIpvsService(netlink, service), service);
    assert.equal(getIpvsService(netlink, { ...tcp, port: 81 }), undefined);
    updateIpvsService(netlink, { ...tcp, scheduler: 'wrr', persistence: 10 });
    assert.partialDeepStrictEqual(getIpvsService(netlink, tcp), { scheduler: 'wrr', persistence: 10, netmask: 32 });
    deleteIpvsService(netlink, tcp);
    assert.equal(getIpvsService(netlink, tcp), undefined);
    assert.throws(
      () => deleteIpvsService(netlink, tcp),
      (error) => isErrno(error, 'ESRCH') && error.op === 'delete service tcp 10.1.0.1 port 80',
    );
    flushIpvs(netlink);
    assert.deepEqual(listIpvsServices(netlink), []);
  });
});

test('the kernel takes every scheduler', async () => {
  await withIpvs((netlink) => {
    for (const scheduler of ['rr', 'wrr', 'lc', 'wlc', 'lblc', 'lblcr', 'sh', 'dh', 'sed', 'nq', 'mh']) {
      createIpvsService(netlink, { ...tcp, scheduler });
      assert.equal(getIpvsService(netlink, tcp)?.scheduler, scheduler);
      deleteIpvsService(netlink, tcp);
    }
    assert.throws(
      () => createIpvsService(netlink, { ...tcp, scheduler: 'nosuch' }),
      (e) => isErrno(e, 'ENOENT'),
    );
  });
});

test('destinations, time-outs and info', async () => {
  await withIpvs((netlink, saved) => {
    createIpvsService(netlink, { ...tcp, scheduler: 'wrr' });
    const [first, second, third] = [2, 3, 4].map((n) => ({ address: ip(`10.2.0.${n}`), port: 80 }));
    assert.ok(first && second && third);
    createIpvsDestination(netlink, tcp, { ...first, weight: 3 });
    createIpvsDestination(netlink, tcp, { ...second, method: 'direct', upperThreshold: 9, lowerThreshold: 5 });
    createIpvsDestination(netlink, tcp, { ...third, method: 'tunnel', tunnel: { type: 'gue', port: 6080 } });
    const lines = saved();
    assert.match(lines, /-a -t 10\.1\.0\.1:80 -r 10\.2\.0\.2:80 -m -w 3/);
    assert.match(lines, /-r 10\.2\.0\.3:80 -g -w 1/);
    assert.match(lines, /-r 10\.2\.0\.4:80 -i -w 1 --tun-type gue --tun-port 6080/);
    const read = new Map(listIpvsDestinations(netlink, tcp).map((one) => [one.address, one]));
    assert.partialDeepStrictEqual(read.get(ip('10.2.0.2')), { ...first, method: 'masquerade', weight: 3 });
    assert.partialDeepStrictEqual(read.get(ip('10.2.0.3')), { method: 'direct', upperThreshold: 9, lowerThreshold: 5 });
    assert.partialDeepStrictEqual(read.get(ip('10.2.0.4')), { tunnel: { type: 'gue', port: 6080 } });
    updateIpvsDestination(netlink, tcp, { ...first, weight: 0 });
    deleteIpvsDestination(netlink, tcp, second);
    assert.deepEqual(
      new Map(listIpvsDestinations(netlink, tcp).map((one) => [one.address, one.weight])),
      new Map([
        [ip('10.2.0.2'), 0],
        [ip('10.2.0.4'), 1],
      ]),
    );
    const missing: IpvsServiceKey = { ...tcp, port: 81 };
    assert.throws(
      () => createIpvsDestination(netlink, missing, first),
      (error) => isErrno(error, 'ESRCH'),
    );
    setIpvsTimeouts(netlink, { tcp: 800, tcpFin: 90, udp: 200 });
    assert.deepEqual(getIpvsTimeouts(netlink), { tcp: 800, tcpFin: 90, udp: 200 });
    const info = getIpvsInfo(netlink);
    assert.match(info.version, /^1\.\d+\.\d+$/);
    assert.ok(info.tableSize >= 256);
    const family = openGenericFamily(netlink, 'IPVS');
    const request = { command: IPVS_CMD.GET_SERVICE, table: ipvsAttributes, values: {}, op: 'sample' };
    const samples = netlink.dump(family.message(request)).map(({ body }) => body);
    fuzzDecoder((bytes) => decodeGeneric(bytes, ipvsAttributes), { samples, runs: 300 });
  });
});

/*
 *   client 10.1.0.2 ──── 10.1.0.1:80 director 10.2.0.1 ──── 10.2.0.11, 10.2.0.12 servers
 */
function connect(client: Netns, director: Netns, servers: Netns): void {
  const on = (netns: Netns, words: string) => execFileSync('ip', ['-n', netns.name ?? '', ...words.split(' ')]);
  on(director, `link add c0 type veth peer name v0 netns ${client.name}`);
  on(director, `link add s0 type veth peer name v0 netns ${servers.name}`);
  on(director, 'addr add 10.1.0.1/24 dev c0');
  on(director, 'addr add 10.2.0.1/24 dev s0');
  on(client, 'addr add 10.1.0.2/24 dev v0');
  for (const address of ['10.2.0.11/24', '10.2.0.12/24']) on(servers, `addr add ${address} dev v0`);
  for (const link of ['c0', 's0']) on(director, `link set ${link} up`);
  for (const netns of [client, servers]) on(netns, 'link set v0 up');
  on(servers, 'route add default via 10.2.0.1');
  director.run(() => fs.writeFileSync('/proc/sys/net/ipv4/ip_forward', '1'));
}

test('rr spreads real connections over two servers', { timeout: 300_000 }, async () => {
  await withNetns(3, async (client, director, servers) => {
    connect(client, director, servers);
    const netlink = openNetlink('generic', director);
    createIpvsService(netlink, { ...tcp, scheduler: 'rr' });
    const listeners = await Promise.all(
      ['10.2.0.11', '10.2.0.12'].map((address) => {
        createIpvsDestination(netlink, tcp, { address: ip(address), port: 80 });
        return listenTcp({ netns: servers, address, port: 80 });
      }),
    );
    try {
      for (const listener of listeners) listener.on('connection', (socket) => socket.end(socket.localAddress ?? ''));
      const answers: string[] = [];
      for (let i = 0; i < 6; i++) {
        const socket = await connectTcp({ netns: client, address: '10.1.0.1', port: 80, timeout: 60_000 });
        let text = '';
        for await (const chunk of socket) text += chunk;
        answers.push(text);
      }
      const of = (address: string) => answers.filter((answer) => answer === address).length;
      assert.deepEqual([of('10.2.0.11'), of('10.2.0.12')], [3, 3]);
      const destinations = await countedDestinations(netlink, 6n);
      assert.deepEqual(
        destinations.map(({ stats }) => stats.connections),
        [3n, 3n],
      );
      assert.ok(destinations.every(({ stats }) => stats.packetsIn > 0n && stats.bytesOut > 0n));
      zeroIpvsStats(netlink, tcp);
      assert.equal(getIpvsService(netlink, tcp)?.stats.connections, 0n);
    } finally {
      for (const listener of listeners) listener.close();
      netlink.close();
    }
  });
});

/** The kernel sums the counters of its CPUs up every two seconds, the service's and each destination's by itself. */
async function countedDestinations(netlink: Netlink<'generic'>, connections: bigint): Promise<IpvsDestination[]> {
  for (let attempt = 0; ; attempt++) {
    const destinations = listIpvsDestinations(netlink, tcp);
    const counted = destinations.reduce((sum, { stats }) => sum + stats.connections, 0n);
    const served = getIpvsService(netlink, tcp)?.stats.connections;
    if (attempt === 150 || (counted === connections && served === connections)) return destinations;
    await setTimeout(200);
  }
}
