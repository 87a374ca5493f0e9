import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createConnection, createServer, isIPv6, type Server, type Socket } from 'node:net';
import { messageOf, PodwireError } from '@podwire/base';

export interface SocketAddress {
  readonly address: string;
  readonly port: number;
}

/**
 * Where the server's sockets come from: this one for the namespace the thread is in, another for a named namespace.
 * All three return sockets that are open.
 */
export interface SocketSource {
  bindUdp(at: SocketAddress): Promise<UdpSocket>;
  listenTcp(at: SocketAddress): Promise<Server>;
  connectTcp(to: SocketAddress, timeout: number): Promise<Socket>;
}

export function listenError(protocol: string, at: SocketAddress, cause: unknown): PodwireError {
  const why = messageOf(cause);
  const message = `cannot listen on ${at.address} port ${at.port}/${protocol}: ${why}; free the port or choose another address`;
  return new PodwireError('DNS_LISTEN', message, { cause, details: { ...at, protocol } });
}

export const localSockets: SocketSource = {
  async bindUdp(at) {
    const socket = createSocket({ type: isIPv6(at.address) ? 'udp6' : 'udp4' });
    const bound = once(socket, 'listening');
    socket.bind(at.port, at.address);
    await bound;
    return socket;
  },
  async listenTcp(at) {
    const server = createServer();
    const listening = once(server, 'listening');
    server.listen(at.port, at.address);
    await listening;
    return server;
  },
  async connectTcp(to, timeout) {
    const socket = createConnection({ host: to.address, port: to.port });
    try {
      await once(socket, 'connect', { signal: AbortSignal.timeout(timeout) });
      return socket;
    } catch (error) {
      socket.on('error', () => {}).destroy();
      throw error;
    }
  },
};
