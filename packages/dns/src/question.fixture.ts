import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { connect } from 'node:net';
import { decodeMessage } from './decode.ts';
import { encodeQuery } from './encode.ts';
import type { Message } from './message.ts';
import type { SocketAddress } from './sockets.ts';
import { FrameReader } from './tcp-frames.ts';

export async function askUdp(at: SocketAddress, packet: Buffer): Promise<Buffer> {
  const socket = createSocket('udp4');
  try {
    socket.send(packet, at.port, at.address);
    const [reply] = (await once(socket, 'message', { signal: AbortSignal.timeout(30_000) })) as [Buffer];
    return reply;
  } finally {
    socket.close();
  }
}

export async function ask(at: SocketAddress, name: string, type: number): Promise<Message> {
  return decodeMessage(await askUdp(at, encodeQuery(name, type, { id: 77 })));
}

/** Sends bytes over one TCP connection and returns the first `count` messages. */
export async function askTcp(at: SocketAddress, bytes: Buffer, count: number, halfClose = false): Promise<Message[]> {
  const socket = connect(at.port, at.address);
  const reader = new FrameReader();
  const got: Message[] = [];
  if (halfClose) socket.end(bytes);
  else socket.write(bytes);
  for await (const chunk of socket) {
    got.push(...reader.push(chunk as Buffer).map(decodeMessage));
    if (got.length >= count) break;
  }
  socket.destroy();
  return got;
}
