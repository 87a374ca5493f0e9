import type { Socket as UdpSocket } from 'node:dgram';
import type { Server, Socket } from 'node:net';
import { decodeMessage } from './decode.ts';
import { encodeMessage } from './encode.ts';
import type { Message, ResourceRecord } from './message.ts';
import { TYPE } from './numbers.ts';
import { localSockets, type SocketAddress } from './sockets.ts';
import { FrameReader, frame } from './tcp-frames.ts';

const closers: (() => void)[] = [];

/** Ends all that were started. */
export function closeUpstreams(): void {
  for (const close of closers.splice(0)) close();
}

type Reply = (query: Message, transport: 'udp' | 'tcp') => Message | undefined;

/** A server that plays the resolver outside: answers what `reply` makes of each query. */
export async function startUpstream(reply: Reply, tries = 20): ReturnType<typeof upstreamOn> {
  const udp = await localSockets.bindUdp({ address: '127.0.0.1', port: 0 });
  const tcp = await localSockets.listenTcp({ address: '127.0.0.1', port: udp.address().port }).catch((error) => {
    udp.close();
    // taken over TCP, perhaps by a connection that has just ended
    if (tries <= 1) throw error;
  });
  return tcp ? upstreamOn(udp, tcp, reply) : startUpstream(reply, tries - 1);
}

async function upstreamOn(udp: UdpSocket, tcp: Server, reply: Reply) {
  const at: SocketAddress = { address: '127.0.0.1', port: udp.address().port };
  const seen: { id: number; port: number; name: string }[] = [];
  udp.on('message', (packet, from) => {
    const query = decodeMessage(packet);
    seen.push({ id: query.id, port: from.port, name: query.questions[0]?.name ?? '' });
    const message = reply(query, 'udp');
    if (message) udp.send(encodeMessage(message), from.port, from.address);
  });
  const sockets = new Set<Socket>();
  tcp.on('connection', (socket) => {
    sockets.add(socket);
    const reader = new FrameReader();
    socket
      .on('error', () => {})
      .on('data', (chunk) => {
        for (const packet of reader.push(chunk)) {
          const message = reply(decodeMessage(packet), 'tcp');
          if (message) socket.write(frame(encodeMessage(message)));
        }
      });
  });
  closers.push(() => {
    udp.close();
    tcp.close();
    for (const socket of sockets) socket.destroy();
  });
  return { at, seen };
}

export function answerTo(query: Message, answers: readonly ResourceRecord[], more: Partial<Message> = {}): Message {
  return { ...query, response: true, recursionAvailable: true, answers, ...more };
}

export const address = (name: string, text: string, ttl = 60): ResourceRecord =>
  ({ name, type: TYPE.A, class: 1, ttl, data: { kind: 'address', address: text } }) as ResourceRecord;
export const soa = (name: string, minimum: number): ResourceRecord => ({
  name,
  type: TYPE.SOA,
  class: 1,
  ttl: 900,
  data: {
    kind: 'soa',
    primary: `ns.${name}`,
    mailbox: `root.${name}`,
    serial: 1,
    refresh: 1,
    retry: 1,
    expire: 1,
    minimum,
  },
});
