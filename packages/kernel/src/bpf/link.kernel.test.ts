import assert from 'node:assert/strict';
import type dgram from 'node:dgram';
import { once } from 'node:events';
import fs from 'node:fs';
import type net from 'node:net';
import path from 'node:path';
import test from 'node:test';
import { hasCode } from '@podwire/base';
import { isErrno, KernelError } from '../errors.ts';
import { struct, u32, u64 } from '../netlink/codec.ts';
import type { Netns } from '../netns/netns.ts';
import { lacking } from '../probe/lacking.fixture.ts';
import { connectTcp } from '../socket/tcp-connection.ts';
import { listenTcp } from '../socket/tcp-listener.ts';
import { bindUdp } from '../socket/udp-socket.ts';
import { withNetns } from '../testing.ts';
import { attachedPrograms } from './attached-program.ts';
import { inCgroup, openBpfFds, withBpfFs } from './bpf-place.fixture.ts';
import { attachCgroup, type CgroupAttachType } from './cgroup-attachment.ts';
import { CONTEXTS } from './context.ts';
import type { Instruction } from './instruction.ts';
import { attachNetns, attachTcx, attachXdp, linkIds, openLinkById, openPinnedLink } from './link.ts';
import { createMap } from './map.ts';
import * as a from './mnemonic.ts';
import { type BpfProgram, loadProgram } from './program.ts';

const { r0, r1, r2, r3, r6, r7, r10 } = a;
const { bpf_sock_addr: address, bpf_sk_lookup: lookup } = CONTEXTS;
const returns = (value: number): Instruction[] => [a.mov(r0, value), a.exit()];
const LOOPBACK = 1;

/** As the context holds them: the address as it is sent, the port in its lower 16 bits, as it is sent. */
const endpoint = struct('endpoint', { ip: u32, port: u32 });
const ip = (text: string) => Buffer.from(text.split('.').map(Number)).readUInt32LE();
const port = (number: number) => ((number & 255) << 8) | (number >> 8);
const at = (text: string, number: number) => ({ ip: ip(text), port: port(number) });

/** Replaces the address in the context by what the map has for it. */
const translate = [
  a.mov(r6, r1),
  a.loadField(r2, r6, address, 'user_ip4'),
  a.store(r10, -8, r2, 'u32'),
  a.loadField(r2, r6, address, 'user_port'),
  a.store(r10, -4, r2, 'u32'),
  a.loadMap(r1, 'endpoints'),
  a.mov(r2, r10),
  a.add(r2, -8),
  a.call('map_lookup_elem'),
  a.jumpIf(r0, '==', 0, 'allow'),
  a.load(r2, r0, 0, 'u32'),
  a.storeField(r6, address, 'user_ip4', r2),
  a.load(r2, r0, 4, 'u32'),
  a.storeField(r6, address, 'user_port', r2),
  a.label('allow'),
  ...returns(1),
];

const socketProgram = (attachType: CgroupAttachType, instructions: Instruction[], maps = {}): BpfProgram =>
  loadProgram({ type: 'cgroup_sock_addr', attachType, instructions, maps });

const createEndpoints = (maxEntries: number) => createMap({ type: 'hash', key: endpoint, value: endpoint, maxEntries });

function portOf(server: net.Server | dgram.Socket): number {
  const bound = server.address();
  return typeof bound === 'object' && bound !== null ? bound.port : 0;
}

async function refused(netns: Netns, to: { address: string; port: number }): Promise<string> {
  try {
    (await connectTcp({ netns, ...to })).destroy();
    return 'connected';
  } catch (error) {
    return String((error as { details?: { errnoName?: string } }).details?.errnoName);
  }
}

test('connect() to one of ten thousand services reaches its endpoint, and the socket shows the service', async () => {
  await withNetns(1, async (netns) => {
    const server = await listenTcp({ netns, address: '127.0.0.1', port: 0 });
    server.on('connection', (socket) => socket.end('from the endpoint'));
    const service = (i: number) => at(`10.96.${i >> 8}.${i & 255}`, 80);
    using endpoints = createEndpoints(20_000);
    endpoints.updateBatch(Array.from({ length: 10_000 }, (_, i) => [service(i), at('127.0.0.1', portOf(server))]));
    using back = createEndpoints(1);
    back.update(at('127.0.0.1', portOf(server)), at('10.96.39.15', 80));
    using connect = socketProgram('cgroup_inet4_connect', translate, { endpoints });
    using peername = socketProgram('cgroup_inet4_getpeername', translate, { endpoints: back });
    await inCgroup(async (cgroup) => {
      using connecting = attachCgroup(connect, { path: cgroup, attachType: 'cgroup_inet4_connect' });
      using _naming = attachCgroup(peername, { path: cgroup, attachType: 'cgroup_inet4_getpeername' });
      const socket = await connectTcp({ netns, address: '10.96.39.15', port: 80 });
      assert.deepEqual([socket.remoteAddress, socket.remotePort], ['10.96.39.15', 80]);
      assert.equal(String(await once(socket, 'data')), 'from the endpoint');
      socket.destroy();
      connecting.close();
      assert.notEqual(await refused(netns, { address: '10.96.39.15', port: 80 }), 'connected');
    });
    server.close();
  });
});

test('connect() over IPv6 is sent elsewhere word by word, and can be forbidden', async () => {
  await withNetns(1, async (netns) => {
    const server = await listenTcp({ netns, address: '::1', port: 0 });
    server.on('connection', (socket) => socket.end());
    using redirect = socketProgram('cgroup_inet6_connect', [
      a.loadField(r2, r1, address, ['user_ip6', 0]),
      a.jumpIf32(r2, '!=', Buffer.from('fd000000', 'hex').readInt32LE(), 'deny'),
      a.mov(r3, 0),
      ...[0, 1, 2].map((word) => a.storeField(r1, address, ['user_ip6', word], r3)),
      a.mov(r3, Buffer.from('00000001', 'hex').readInt32LE()),
      a.storeField(r1, address, ['user_ip6', 3], r3),
      ...returns(1),
      a.label('deny'),
      ...returns(0),
    ]);
    await inCgroup(async (path) => {
      using _attachment = attachCgroup(redirect, { path, attachType: 'cgroup_inet6_connect' });
      assert.equal(await refused(netns, { address: 'fd00::7', port: portOf(server) }), 'connected');
      assert.equal(await refused(netns, { address: '::1', port: portOf(server) }), 'EPERM');
    });
    server.close();
  });
});

test('datagrams to a service go to its endpoint, and answers seem to come from the service', async () => {
  await withNetns(1, async (netns) => {
    const server = await bindUdp({ netns, address: '127.0.0.1', port: 0 });
    server.on('message', (message, from) => server.send(message, from.port, from.address));
    using endpoints = createEndpoints(2);
    endpoints.update(at('10.96.0.10', 53), at('127.0.0.1', portOf(server)));
    using back = createEndpoints(2);
    back.update(at('127.0.0.1', portOf(server)), at('10.96.0.10', 53));
    using sending = socketProgram('cgroup_udp4_sendmsg', translate, { endpoints });
    using receiving = socketProgram('cgroup_udp4_recvmsg', translate, { endpoints: back });
    await inCgroup(async (path) => {
      using _sending = attachCgroup(sending, { path, attachType: 'cgroup_udp4_sendmsg' });
      using _receiving = attachCgroup(receiving, { path, attachType: 'cgroup_udp4_recvmsg' });
      const client = await bindUdp({ netns, address: '127.0.0.1', port: 0 });
      client.send('query', 53, '10.96.0.10');
      const [message, from] = await once(client, 'message');
      assert.deepEqual([String(message), from.address, from.port], ['query', '10.96.0.10', 53]);
      client.close();
    });
    server.close();
  });
});

test('every hook of addresses takes a program, by a link and without one', async () => {
  const hooks = [
    'inet4_connect',
    'inet6_connect',
    'udp4_sendmsg',
    'udp6_sendmsg',
    'udp4_recvmsg',
    'udp6_recvmsg',
  ] as const;
  const more = ['inet4_getpeername', 'inet6_getpeername', 'inet4_getsockname', 'inet4_bind', 'inet6_bind'] as const;
  const before = openBpfFds();
  await inCgroup((path) => {
    for (const hook of [...hooks, ...more]) {
      const attachType = `cgroup_${hook}` as const;
      using first = socketProgram(attachType, returns(1));
      using second = socketProgram(attachType, returns(1));
      const ids = [first, second].map((program) => program.info().id);
      using link = attachCgroup(first, { path, attachType });
      assert.equal(link.link?.info().attachType, attachType);
      assert.equal(link.link?.info().cgroupId, fs.statSync(path, { bigint: true }).ino);
      const direct = attachCgroup(second, { path, attachType, by: 'program' });
      assert.deepEqual(attachedPrograms({ path }, attachType), ids, hook);
      using third = socketProgram(attachType, returns(1));
      direct.update(third);
      assert.deepEqual(attachedPrograms({ path }, attachType), [ids[0], third.info().id]);
      direct.close();
      direct.close();
      assert.deepEqual(attachedPrograms({ path }, attachType), [ids[0]]);
    }
  });
  assert.equal(openBpfFds(), before);
});

test('an exchange that fails leaves the program that was there, and nothing open', async () => {
  const before = openBpfFds();
  await inCgroup((path) => {
    const attachType = 'cgroup_inet4_connect';
    using first = socketProgram(attachType, returns(1));
    using second = socketProgram(attachType, returns(1));
    using other = loadProgram({ type: 'socket_filter', instructions: returns(0) });
    using attachment = attachCgroup(first, { path, attachType, by: 'program' });
    const info = () => {
      throw new Error('no descriptor is left');
    };
    assert.throws(
      () => attachment.update({ fd: second.fd, label: second.label, info } as unknown as BpfProgram),
      /no descriptor/,
    );
    assert.throws(() => attachment.update(other), KernelError);
    assert.deepEqual(attachedPrograms({ path }, attachType), [first.info().id]);
    attachment.close();
    assert.deepEqual(attachedPrograms({ path }, attachType), []);
  });
  assert.equal(openBpfFds(), before);
});

test('what is no cgroup is refused with the path', async () => {
  using program = socketProgram('cgroup_inet4_connect', returns(1));
  const attach = (path: string) => attachCgroup(program, { path, attachType: 'cgroup_inet4_connect' });
  assert.throws(
    () => attach('/nowhere'),
    (error) => isErrno(error, 'ENOENT') && /cgroup2/.test(error.message),
  );
  assert.throws(
    () => attach('/proc'),
    (error) =>
      hasCode(error, 'KERNEL_ENCODE') && /\/proc as a cgroup: it is not a cgroup2 directory/.test(String(error)),
  );
  assert.throws(
    () => attachedPrograms({ path: '/nowhere' }, 'cgroup_inet4_connect'),
    (error) => isErrno(error, 'ENOENT') && error.message.includes('/nowhere'),
  );
});

/** Counts packets and lets them through with the result, or drops them. */
const counting = (result: number): Instruction[] => [
  a.store(r10, -4, 0, 'u32'),
  a.loadMap(r1, 'counter'),
  a.mov(r2, r10),
  a.add(r2, -4),
  a.call('map_lookup_elem'),
  a.jumpIf(r0, '==', 0, 'end'),
  a.mov(r1, 1),
  a.atomic('add', { base: r0, offset: 0 }, r1),
  a.label('end'),
  ...returns(result),
];

const createCounter = () => createMap({ type: 'array', key: u32, value: u64, maxEntries: 1 });

/**
 * Sends a datagram to a socket of the namespace; whether it arrives within so many ms, a few where it is not expected. What
 * has come while this thread stood still is read between a timer and setImmediate().
 */
async function arrives(netns: Netns, within = 60_000): Promise<boolean> {
  const socket = await bindUdp({ netns, address: '127.0.0.1', port: 0 });
  const { promise: silence, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => setImmediate(resolve, false), within);
  try {
    socket.send('x', portOf(socket), '127.0.0.1');
    return await Promise.race([once(socket, 'message').then(() => true), silence]);
  } finally {
    clearTimeout(timer);
    socket.close();
  }
}

test('programs see the packets of a link at tcx and at xdp, count and drop them', {
  skip: lacking('bpf-tcx', 'bpf-xdp-link'),
}, async () => {
  await withNetns(1, async (netns) => {
    const TCX = { NEXT: -1, DROP: 2 };
    const XDP_DROP = 1;
    using counter = createCounter();
    const maps = { counter };
    using pass = loadProgram({ type: 'sched_cls', instructions: counting(TCX.NEXT), maps });
    using drop = loadProgram({ type: 'sched_cls', instructions: counting(TCX.DROP), maps });
    using dropEarly = loadProgram({ type: 'xdp', instructions: counting(XDP_DROP), maps });
    const seen = () => Number(counter.lookup(0));
    {
      using link = netns.run(() => attachTcx(pass, LOOPBACK, 'egress'));
      assert.equal(await arrives(netns), true);
      assert.equal(seen(), 1);
      const { type, ifindex, attachType, programId } = link.info();
      assert.deepEqual([type, ifindex, attachType, programId], ['tcx', LOOPBACK, 'tcx_egress', pass.info().id]);
      assert.deepEqual(
        netns.run(() => attachedPrograms({ ifindex: LOOPBACK }, 'tcx_egress')),
        [pass.info().id],
      );
      assert.deepEqual(
        netns.run(() => attachedPrograms({ ifindex: LOOPBACK }, 'tcx_ingress')),
        [],
      );
      link.update(drop, pass);
      assert.equal(await arrives(netns, 100), false);
      assert.throws(
        () => link.update(pass, pass),
        (error) => isErrno(error, 'EPERM'),
      );
    }
    {
      using link = netns.run(() => attachXdp(dropEarly, LOOPBACK));
      assert.equal(await arrives(netns, 100), false);
      assert.equal(link.info().ifindex, LOOPBACK);
    }
    assert.equal(await arrives(netns), true);
    assert.equal(seen(), 3);
    assert.throws(
      () => netns.run(() => attachTcx(pass, 999, 'ingress')),
      (error) => isErrno(error, 'ENODEV'),
    );
  });
});

test('one listening socket is given the connections to a hundred ports', {
  skip: lacking('bpf-sk-lookup'),
}, async () => {
  await withNetns(1, async (netns) => {
    const server = await listenTcp({ netns, address: '127.0.0.1', port: 7 });
    const fd = (server as unknown as { _handle: { fd: number } })._handle.fd;
    server.on('connection', (socket) => socket.end());
    using sockets = createMap({ type: 'sockmap', key: u32, value: u64, maxEntries: 1 });
    sockets.update(0, BigInt(fd));
    using steer = loadProgram({
      type: 'sk_lookup',
      attachType: 'sk_lookup',
      instructions: [
        a.mov(r6, r1),
        a.loadField(r2, r6, lookup, 'local_port'),
        a.jumpIf(r2, '<', 1000, 'pass'),
        a.jumpIf(r2, '>', 1099, 'pass'),
        a.store(r10, -4, 0, 'u32'),
        a.loadMap(r1, sockets),
        a.mov(r2, r10),
        a.add(r2, -4),
        a.call('map_lookup_elem'),
        a.jumpIf(r0, '==', 0, 'pass'),
        a.mov(r7, r0),
        a.mov(r1, r6),
        a.mov(r2, r0),
        a.mov(r3, 0),
        a.call('sk_assign'),
        a.mov(r1, r7),
        a.call('sk_release'),
        a.label('pass'),
        ...returns(1),
      ],
    });
    using link = attachNetns(steer, netns);
    for (const target of [1000, 1099])
      assert.equal(await refused(netns, { address: '127.0.0.1', port: target }), 'connected');
    assert.equal(await refused(netns, { address: '127.0.0.1', port: 1100 }), 'ECONNREFUSED');
    assert.equal(BigInt(link.info().netnsInode ?? 0), netns.inode);
    server.close();
  });
});

test('a pinned link keeps its program on until it is unpinned or detached', { skip: lacking('bpf-tcx') }, async () => {
  await withNetns(1, async (netns) => {
    using counter = createCounter();
    using program = loadProgram({ type: 'sched_cls', instructions: counting(-1), maps: { counter } });
    const attached = () => netns.run(() => attachedPrograms({ ifindex: LOOPBACK }, 'tcx_ingress')).length;
    withBpfFs((directory) => {
      const pin = path.join(directory, 'link');
      const link = netns.run(() => attachTcx(program, LOOPBACK, 'ingress'));
      link.pin(pin);
      const { id } = link.info();
      link.close();
      assert.equal(attached(), 1);
      assert.ok(linkIds().includes(id));
      using pinned = openPinnedLink(pin);
      using byId = openLinkById(id);
      assert.deepEqual([pinned.info().id, byId.info().id], [id, id]);
      pinned.detach();
      assert.equal(attached(), 0);
      assert.equal(byId.info().ifindex, 0);
      program.pin(`${pin}-program`);
      assert.throws(() => openPinnedLink(`${pin}-program`), /as a BPF link: it is a prog/);
    });
  });
});
