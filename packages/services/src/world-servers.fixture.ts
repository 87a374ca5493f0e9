import type { Socket } from 'node:net';
import { bindUdp, listenTcp, type Netns } from '@podwire/kernel';
import { serveSctp } from './sctp.fixture.ts';
import {
  ADDRESS,
  ADDRESS6,
  CROWD,
  OTHER_PROXY,
  type Place,
  SCTP_PORT,
  SERVERS,
  type ServerPlace,
  TCP_PORTS,
  UDP_PORT,
} from './world-addresses.fixture.ts';

export interface Answer {
  /** Who answered. */
  readonly server: string;
  /** The source address it saw. */
  readonly source: string;
}

interface Server {
  close(): void;
}

/** Everything that answers in the world. */
export async function serveWorld(netns: Record<Place, Netns>): Promise<Server[]> {
  const servers: Server[] = [];
  for (const place of SERVERS)
    for (const address of [ADDRESS[place], ADDRESS6[place]])
      servers.push(...(await serveAt({ netns: netns[place], address }, place)));
  for (const address of ['0.0.0.0', '::'])
    servers.push(await serveTcp({ netns: netns.far, address, port: CROWD.port }, (local) => `crowd/${local}`));
  for (const place of ['node', 'outside'] as const)
    for (const address of Object.values(OTHER_PROXY[place]))
      servers.push(await serveTcp({ netns: netns[place], address, port: 80 }, () => 'other'));
  return servers;
}

interface Listening {
  readonly netns: Netns;
  readonly address: string;
  readonly port: number;
}

async function serveAt(where: Omit<Listening, 'port'>, place: ServerPlace): Promise<Server[]> {
  const servers: Server[] = [];
  for (const port of TCP_PORTS) servers.push(await serveTcp({ ...where, port }, () => `${place}:${port}`));
  const udp = await bindUdp({ ...where, port: UDP_PORT });
  udp.on('message', (data, from) => {
    const said = String(data.subarray(0, 16));
    udp.send(JSON.stringify({ server: place, source: from.address, said }), from.port, from.address);
  });
  const sctp = serveSctp({ ...where, port: SCTP_PORT }, (source) => JSON.stringify({ server: place, source }));
  return [...servers, udp, sctp];
}

/** Says who answers and what source it sees, then the same as it hears. */
async function serveTcp(where: Listening, nameOf: (local: string) => string): Promise<Server> {
  const server = await listenTcp(where);
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => {
    sockets.add(socket.once('close', () => sockets.delete(socket)));
    const answer: Answer = { server: nameOf(socket.localAddress ?? ''), source: socket.remoteAddress ?? '' };
    socket.on('error', () => {}).on('data', (data) => socket.write(data));
    socket.write(`${JSON.stringify(answer)}\n`);
  });
  // clients may be cut off by what is tested, and would keep the program alive
  return {
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
