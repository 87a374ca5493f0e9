import assert from 'node:assert/strict';
import type dgram from 'node:dgram';
import { once } from 'node:events';
import type net from 'node:net';
import { parseIp } from '@podwire/base';
import { bindUdp, connectTcp, listenTcp, type Netns } from '@podwire/kernel';
import { withNetns } from '@podwire/kernel/testing';
import { type Net, openNet } from './net.ts';

async function greeting(socket: net.Socket): Promise<string> {
  const [data] = await once(socket, 'data');
  socket.destroy();
  return String(data);
}

/** Asks until answered: a link that has just been raised drops packets until its queue is in place. */
async function answerTo(asker: dgram.Socket, question: string, address: string): Promise<string> {
  const timer = setInterval(() => asker.send(question, 53, address), 20);
  try {
    return String((await once(asker, 'message', { signal: AbortSignal.timeout(30_000) }))[0]);
  } finally {
    clearInterval(timer);
  }
}

/** A server at `address` in one namespace says to a client in another from where it sees it. */
export async function assertTalk(client: Netns, server: Netns, address: string): Promise<string> {
  const listener = await listenTcp({ netns: server, address, port: 80 });
  listener.on('connection', (socket) => socket.end(`you are ${socket.remoteAddress}`));
  const echo = await bindUdp({ netns: server, address, port: 53 });
  echo.on('message', (message, from) => echo.send(message, from.port, from.address));
  const asker = await bindUdp({ netns: client, address: '0.0.0.0', port: 0 });
  try {
    assert.equal(await answerTo(asker, 'ping', address), 'ping');
    return await greeting(await connectTcp({ netns: client, address, port: 80, timeout: 30_000 }));
  } finally {
    asker.close();
    echo.close();
    listener.close();
  }
}

export async function withNets(count: number, fn: (nets: Net[], namespaces: Netns[]) => Promise<void>): Promise<void> {
  await withNetns(count, async (...namespaces) => {
    const nets = namespaces.map((netns) => openNet(netns));
    try {
      await fn(nets, namespaces);
    } finally {
      for (const one of nets) one.close();
    }
  });
}

export function join(a: Net, b: { net: Net; netns: Netns }, names: { near: string; far: string }): void {
  a.createVeth({ name: names.near, peer: { name: names.far, netns: b.netns } });
  a.setLink(names.near, { up: true });
  b.net.setLink(names.far, { up: true });
}

export const at = <T>(list: readonly T[], index: number): T => list[index] ?? assert.fail(`nothing at ${index}`);
export const address = (link: string, text: string, prefixLength = 24) => ({
  link,
  address: parseIp(text),
  prefixLength,
});
