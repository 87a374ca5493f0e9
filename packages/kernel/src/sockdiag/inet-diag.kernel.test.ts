import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import test from 'node:test';
import type { IpAddress } from '@podwire/base';
import { fuzzDecoder } from '../fuzz.ts';
import { type Netlink, openNetlink } from '../netlink/netlink.ts';
import { encodeBody } from '../netlink/netlink-message.ts';
import type { Netns } from '../netns/netns.ts';
import { lacking } from '../probe/lacking.fixture.ts';
import { connectTcp } from '../socket/tcp-connection.ts';
import { listenTcp } from '../socket/tcp-listener.ts';
import { bindUdp } from '../socket/udp-socket.ts';
import { withNetns } from '../testing.ts';
import { decodeSocket, destroySocket, getSocket, listSockets, type SocketKey } from './inet-diag.ts';
import { inetDiagRequest, inetDiagRequestAttributes, SOCK_DIAG_BY_FAMILY } from './inet-diag-table.ts';

const at = (address: string, port: number) => ({ address: address as IpAddress, port });

async function withSockDiag(
  fn: (netlink: Netlink<'sock-diag'>, near: Netns, far: Netns) => Promise<void>,
): Promise<void> {
  await withNetns(2, async (near, far) => {
    const ip = (netns: Netns, words: string) => execFileSync('ip', ['-n', netns.name ?? '', ...words.split(' ')]);
    ip(near, `link add v0 type veth peer name v0 netns ${far.name}`);
    for (const [netns, n] of [
      [near, 1],
      [far, 2],
    ] as const) {
      ip(netns, `addr add 10.9.0.${n}/24 dev v0`);
      ip(netns, 'link set v0 up');
    }
    const netlink = openNetlink('sock-diag', near);
    try {
      await fn(netlink, near, far);
    } finally {
      netlink.close();
    }
  });
}

const inodesOfProcess = (): Set<number> =>
  new Set(
    fs.readdirSync('/proc/self/fd').flatMap((fd) => {
      const file = `/proc/self/fd/${fd}`;
      const [, inode] = /^socket:\[(\d+)\]$/.exec(readLink(file)) ?? [];
      return inode === undefined ? [] : [Number(inode)];
    }),
  );

/** The descriptor that lists the folder is closed by now. */
function readLink(file: string): string {
  try {
    return fs.readlinkSync(file);
  } catch {
    return '';
  }
}

test('a connection between two namespaces as ss lists it, and destroyed', {
  timeout: 600_000,
  skip: lacking('inet-diag', 'sock-destroy'),
}, async () => {
  await withSockDiag(async (netlink, near, far) => {
    const server = await listenTcp({ netns: far, address: '10.9.0.2', port: 80 });
    const accepted = once(server, 'connection');
    const client = await connectTcp({ netns: near, address: '10.9.0.2', port: 80 });
    const [peer] = await accepted;
    peer.on('error', () => {});
    client.write('hello');
    await once(peer, 'data');
    const [info, ...others] = listSockets(netlink, { protocol: 'tcp', states: ['established'], details: true });
    assert.ok(info && others.length === 0);
    const key: SocketKey = {
      protocol: 'tcp',
      local: at('10.9.0.1', client.localPort ?? 0),
      remote: at('10.9.0.2', 80),
    };
    assert.partialDeepStrictEqual(info, {
      ...key,
      family: 'ipv4',
      state: 'established',
      uid: 0,
      receiveQueue: 0,
      sendQueue: 0,
    });
    assert.ok(inodesOfProcess().has(info.inode));
    assert.partialDeepStrictEqual(info.tcpInfo, {
      state: 'established',
      bytesSent: 5n,
      bytesAcknowledged: 6n,
      sendMss: 1448,
    });
    const line = near.run(() => execFileSync('ss', ['-Htnie', 'state', 'established'])).toString();
    assert.ok(
      line.includes(`10.9.0.1:${key.local.port}`) && line.includes(`ino:${info.inode} sk:${info.cookie.toString(16)}`),
      line,
    );
    assert.ok(line.includes(` ${info.congestion} `) && line.includes(`bytes_sent:5`), line);
    assert.equal(getSocket(netlink, key)?.inode, info.inode);
    assert.equal(getSocket(netlink, { ...key, remote: at('10.9.0.2', 81) }), undefined);
    const failure = once(client, 'error');
    assert.equal(destroySocket(netlink, { ...key, cookie: info.cookie + 1n }), false);
    assert.equal(destroySocket(netlink, { ...key, cookie: info.cookie }), true);
    const [error] = await failure;
    assert.ok(['ECONNABORTED', 'ECONNRESET'].includes(error.code), error.code);
    assert.equal(destroySocket(netlink, key), false);
    assert.deepEqual(listSockets(netlink, { protocol: 'tcp' }), []);
    server.close();
    await once(server, 'close');
  });
});

test('listeners and UDP sockets of both families', {
  timeout: 600_000,
  skip: lacking('inet-diag', 'sock-destroy'),
}, async () => {
  await withSockDiag(async (netlink, near) => {
    const server = await listenTcp({ netns: near, address: '::1', port: 8080 });
    const udp = await bindUdp({ netns: near, address: '10.9.0.1', port: 53 });
    const [listener] = listSockets(netlink, { protocol: 'tcp', states: ['listen'] });
    assert.partialDeepStrictEqual(listener, {
      family: 'ipv6',
      state: 'listen',
      local: at('::1', 8080),
      remote: at('::', 0),
    });
    const key: SocketKey = { protocol: 'udp', local: at('10.9.0.1', 53), remote: at('0.0.0.0', 0) };
    const [bound, ...others] = listSockets(netlink, { protocol: 'udp', family: 'ipv4' });
    assert.ok(bound && others.length === 0);
    assert.partialDeepStrictEqual(bound, { ...key, state: 'closed' });
    assert.equal(getSocket(netlink, key)?.cookie, bound.cookie);
    assert.equal(getSocket(netlink, { ...key, local: at('10.9.0.1', 54) }), undefined);
    assert.deepEqual(listSockets(netlink, { protocol: 'udp', family: 'ipv6' }), []);
    const failure = once(udp, 'error');
    assert.equal(destroySocket(netlink, key), true);
    assert.equal((await failure)[0].code, 'ECONNABORTED');
    udp.close();
    server.close();
    await once(server, 'close');
  });
});

test('destroying a connection that is no more leaves the listener and the unconnected socket alone', {
  timeout: 600_000,
  skip: lacking('inet-diag', 'sock-destroy'),
}, async () => {
  await withSockDiag(async (netlink, near) => {
    for (const [address, stranger] of [
      ['10.9.0.1', '10.9.0.2'],
      ['::1', '::1'],
    ] as const) {
      const server = await listenTcp({ netns: near, address, port: 80 });
      const udp = await bindUdp({ netns: near, address, port: 53 });
      for (const [protocol, port] of [
        ['tcp', 80],
        ['udp', 53],
      ] as const) {
        const key: SocketKey = { protocol, local: at(address, port), remote: at(stranger, 5555) };
        assert.equal(getSocket(netlink, key), undefined);
        assert.equal(destroySocket(netlink, key), false);
      }
      const client = await connectTcp({ netns: near, address, port: 80 });
      client.destroy();
      udp.close();
      server.close();
      await once(server, 'close');
    }
  });
});

test('damaged answers throw nothing but DecodeError', { skip: lacking('inet-diag', 'sock-destroy') }, async () => {
  await withSockDiag(async (netlink, near) => {
    const server = await listenTcp({ netns: near, address: '10.9.0.1', port: 8080 });
    const none = Buffer.alloc(16);
    const id = { sourcePort: 0, destinationPort: 0, source: none, destination: none, link: 0, cookie: 2n ** 64n - 1n };
    const fields = { family: 2, protocol: 6, extensions: 255, states: 0xfff, ...id };
    const body = encodeBody(inetDiagRequest, fields, inetDiagRequestAttributes, {});
    const samples = netlink.dump({ type: SOCK_DIAG_BY_FAMILY, flags: 0, body }).map((answer) => answer.body);
    assert.equal(samples.length, 1);
    fuzzDecoder((bytes) => decodeSocket(bytes, 'tcp'), { samples, runs: 500 });
    server.close();
    await once(server, 'close');
  });
});
