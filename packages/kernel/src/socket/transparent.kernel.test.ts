import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import net from 'node:net';
import test, { type TestContext } from 'node:test';
import { isErrno } from '../errors.ts';
import type { Netns } from '../netns/netns.ts';
import { withNetns } from '../testing.ts';
import { originalDestination } from './original-destination.ts';
import { type ConnectTcpOptions, connectTcp } from './tcp-connection.ts';
import { type ListenTcpOptions, listenTcp } from './tcp-listener.ts';

const descriptorOf = (socket: net.Socket) => (socket as unknown as { _handle: { fd: number } })._handle.fd;
const ip = (netns: Netns, words: string) => execFileSync('ip', ['-n', netns.name ?? '', ...words.split(' ')]);
const nft = (netns: Netns, ruleset: string) =>
  execFileSync('ip', ['netns', 'exec', netns.name ?? '', 'nft', '-f', '-'], { input: ruleset });

/** The accepted end of a connection; everything is closed when the test is over. */
async function accepted(t: TestContext, listen: ListenTcpOptions, connect: ConnectTcpOptions): Promise<net.Socket> {
  const server = await listenTcp(listen);
  t.after(() => server.close());
  const connection = once(server, 'connection');
  const client = await connectTcp({ timeout: 60_000, ...connect });
  t.after(() => client.destroy());
  const [socket] = (await connection) as [net.Socket];
  t.after(() => socket.destroy());
  return socket;
}

test('a redirected connection still knows where it was going', async (t) => {
  await withNetns(1, async (netns) => {
    nft(
      netns,
      `table inet t {
        chain output {
          type nat hook output priority -100
          ip daddr 127.0.0.5 tcp dport 80 redirect to :8080
          ip6 daddr ::1 tcp dport 80 redirect to :8080
        }
      }
`,
    );
    for (const [self, asked] of [
      ['127.0.0.1', '127.0.0.5'],
      ['::1', '::1'],
    ] as const) {
      const listen = { netns, address: self, port: 8080, mark: 7, link: 'lo' };
      const socket = await accepted(t, listen, { netns, address: asked, port: 80, mark: 7 });
      assert.deepEqual(originalDestination(socket), { address: asked, port: 80, scope: 0 });
      assert.deepEqual(originalDestination(descriptorOf(socket)), { address: asked, port: 80, scope: 0 });
      socket.destroy();
      await once(socket, 'close');
      assert.throws(() => originalDestination(socket), /closed/);
    }
  });
});

test('an IPv6 socket that takes IPv4 connections too knows where they were going', async (t) => {
  await withNetns(1, async (netns) => {
    nft(
      netns,
      `table ip t {
        chain output {
          type nat hook output priority -100
          ip daddr 127.0.0.5 tcp dport 80 redirect to :8080
        }
      }
`,
    );
    // with an address it would open its socket later, in another namespace
    const server = netns.run(() => net.createServer().listen(8080));
    t.after(() => server.close());
    const connection = once(server, 'connection');
    const client = await connectTcp({ netns, address: '127.0.0.5', port: 80, timeout: 60_000 });
    t.after(() => client.destroy());
    const [socket] = (await connection) as [net.Socket];
    t.after(() => socket.destroy());
    assert.equal(socket.remoteFamily, 'IPv6');
    assert.deepEqual(originalDestination(socket), { address: '127.0.0.5', port: 80, scope: 0 });
  });
});

test('without conntrack there is no original destination', async (t) => {
  await withNetns(1, async (netns) => {
    const at = { netns, address: '127.0.0.1', port: 81 };
    const socket = await accepted(t, at, at);
    assert.throws(
      () => originalDestination(socket),
      (error) => isErrno(error, 'ENOENT', 'ENOPROTOOPT'),
    );
  });
});

test('behind tproxy a transparent server takes connections to foreign addresses', async (t) => {
  await withNetns(2, async (a, b) => {
    ip(a, `link add v0 type veth peer name v1 netns ${b.name}`);
    ip(a, 'addr add 10.0.0.1/24 dev v0');
    ip(b, 'addr add 10.0.0.2/24 dev v1');
    ip(a, 'link set v0 up');
    ip(b, 'link set v1 up');
    ip(a, 'route add 198.51.100.0/24 via 10.0.0.2');
    ip(b, 'rule add fwmark 1 lookup 100');
    ip(b, 'route add local 0.0.0.0/0 dev lo table 100');
    nft(
      b,
      `table ip t {
        chain divert {
          type filter hook prerouting priority mangle
          ip daddr 198.51.100.7 tcp dport 80 tproxy to :8080 meta mark set 1 accept
        }
      }
`,
    );
    const listen = { netns: b, address: '0.0.0.0', port: 8080, transparent: true };
    const socket = await accepted(t, listen, { netns: a, address: '198.51.100.7', port: 80 });
    assert.deepEqual([socket.localAddress, socket.localPort], ['198.51.100.7', 80]);
    assert.equal(socket.remoteAddress, '10.0.0.1');
  });
});

test('transparent allows any local address, also to connect from', async () => {
  await withNetns(1, async (netns) => {
    for (const [self, foreign] of [
      ['127.0.0.1', '203.0.113.9'],
      ['::1', '2001:db8::9'],
    ] as const) {
      const from = { netns, address: self, port: 1, localAddress: foreign, timeout: 50 };
      await assert.rejects(connectTcp(from), (error) => isErrno(error, 'EADDRNOTAVAIL'));
      // the answer finds no way back to the foreign address
      await assert.rejects(connectTcp({ ...from, transparent: true }), (error) => !isErrno(error, 'EADDRNOTAVAIL'));
    }
    await assert.rejects(listenTcp({ netns, address: '127.0.0.1', port: 1, link: 'nope0' }), (error) =>
      isErrno(error, 'ENODEV'),
    );
  });
});
