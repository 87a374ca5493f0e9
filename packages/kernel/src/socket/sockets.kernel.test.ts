import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import type net from 'node:net';
import test from 'node:test';
import { hasCode } from '@podwire/base';
import { isErrno } from '../errors.ts';
import { withNetns } from '../testing.ts';
import { connectTcp } from './tcp-connection.ts';
import { listenTcp, listenTcpFd } from './tcp-listener.ts';
import { bindUdp, bindUdpFd } from './udp-socket.ts';

const LO = '127.0.0.1';
const close = (server: net.Server) => new Promise((resolve) => server.close(resolve));

async function readAll(socket: net.Socket): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of socket) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

test('TCP: the same address and port in two namespaces are two servers', async () => {
  await withNetns(2, async (a, b) => {
    const servers = await Promise.all(
      [a, b].map(async (netns) => {
        const server = await listenTcp({ netns, address: LO, port: 80 });
        return server.on('connection', (socket) => socket.end(`I am ${netns.name}`));
      }),
    );
    try {
      for (const netns of [a, b]) {
        const socket = await connectTcp({ netns, address: LO, port: 80, localAddress: '127.0.0.9' });
        assert.equal(socket.remoteAddress, LO);
        assert.equal(socket.localAddress, '127.0.0.9');
        assert.equal(await readAll(socket), `I am ${netns.name}`);
      }
    } finally {
      await Promise.all(servers.map(close));
    }
  });
});

test('TCP: a mebibyte goes there and comes back', async () => {
  await withNetns(1, async (netns) => {
    const server = await listenTcp({ netns, address: '::1', port: 0 });
    server.on('connection', (socket) => socket.pipe(socket));
    try {
      const { port } = server.address() as net.AddressInfo;
      assert.ok(port > 0);
      const socket = await connectTcp({ netns, address: '::1', port });
      socket.end(Buffer.alloc(1 << 20, 'x'));
      assert.equal((await readAll(socket)).length, 1 << 20);
    } finally {
      await close(server);
    }
  });
});

const refused = (name: string) => (error: unknown) => hasCode(error, 'KERNEL_CONNECT') && isErrno(error, name);

test('TCP: failures to connect say why, and leave no descriptor open', async () => {
  await withNetns(1, async (netns) => {
    const before = fs.readdirSync('/proc/self/fd').length;
    await assert.rejects(connectTcp({ netns, address: LO, port: 1 }), refused('ECONNREFUSED'));
    await assert.rejects(connectTcp({ netns, address: '192.0.2.1', port: 1 }), refused('ENETUNREACH'));
    assert.equal(fs.readdirSync('/proc/self/fd').length, before);
  });
});

test('TCP: a connect nobody answers ends at its time-out', async () => {
  await withNetns(1, async (netns) => {
    execFileSync('ip', ['-n', netns.name ?? '', 'link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1']);
    execFileSync('ip', ['-n', netns.name ?? '', 'link', 'set', 'v0', 'up']);
    execFileSync('ip', ['-n', netns.name ?? '', 'link', 'set', 'v1', 'up']);
    execFileSync('ip', ['-n', netns.name ?? '', 'addr', 'add', '192.0.2.1/24', 'dev', 'v0']);
    execFileSync('ip', [
      '-n',
      netns.name ?? '',
      'neigh',
      'add',
      '192.0.2.2',
      'lladdr',
      '02:00:00:00:00:01',
      'dev',
      'v0',
    ]);
    await assert.rejects(connectTcp({ netns, address: '192.0.2.2', port: 1, timeout: 100 }), refused('ETIMEDOUT'));
  });
});

test('TCP: a thread that stands still longer than the time-out takes no answer for silence', async () => {
  await withNetns(1, async (netns) => {
    const server = await listenTcp({ netns, address: LO, port: 80 });
    try {
      const connecting = connectTcp({ netns, address: LO, port: 80, timeout: 10 });
      const end = performance.now() + 100;
      while (performance.now() < end);
      (await connecting).destroy();
    } finally {
      await close(server);
    }
  });
});

test('TCP: a taken port and a foreign address are refused at once; freebind allows the address', async () => {
  await withNetns(1, async (netns) => {
    const server = await listenTcp({ netns, address: LO, port: 80 });
    await assert.rejects(listenTcp({ netns, address: LO, port: 80 }), (error) => isErrno(error, 'EADDRINUSE'));
    await assert.rejects(listenTcp({ netns, address: '192.0.2.1', port: 80 }), (error) =>
      isErrno(error, 'EADDRNOTAVAIL'),
    );
    await assert.rejects(listenTcp({ netns, address: '010.0.0.1', port: 80 }), (error) =>
      hasCode(error, 'BASE_BAD_ADDRESS'),
    );
    const free = await listenTcp({ netns, address: '192.0.2.1', port: 80, freebind: true });
    await Promise.all([close(server), close(free)]);
  });
});

test('TCP: a bare descriptor listens already', async () => {
  await withNetns(1, async (netns) => {
    const fd = listenTcpFd({ netns, address: LO, port: 80 });
    try {
      const socket = await connectTcp({ netns, address: LO, port: 80 });
      socket.destroy();
    } finally {
      fs.closeSync(fd);
    }
  });
});

test('UDP: question and answer inside a namespace, and a port shared by two sockets', async () => {
  await withNetns(1, async (netns) => {
    const server = await bindUdp({ netns, address: LO, port: 53 });
    server.on('message', (message, from) => server.send(message.toString().toUpperCase(), from.port, from.address));
    const client = await bindUdp({ netns, address: LO, port: 0 });
    client.send('who', 53, LO);
    const [answer] = await once(client, 'message');
    assert.equal(String(answer), 'WHO');
    await assert.rejects(bindUdp({ netns, address: LO, port: 53 }), (error) => isErrno(error, 'EADDRINUSE'));
    server.close();
    client.close();
    const shared = [1, 2].map(() => bindUdpFd({ netns, address: LO, port: 5353, reusePort: true }));
    for (const fd of shared) fs.closeSync(fd);
  });
});
