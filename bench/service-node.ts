import { createLogger } from '../packages/base/src/index.ts';
import { connectTcp, listenTcp, type Netns } from '../packages/kernel/src/index.ts';
import { withNetns } from '../packages/kernel/src/testing.ts';
import type { ClusterConfig, Informers, KubeClient, Room } from '../packages/kube/src/index.ts';
import { FakeInformers } from '../packages/kube/src/testing.ts';
import { createServicesRoom, type ServicesContext } from '../packages/services/src/index.ts';
import { ip } from './child.ts';
import {
  clusterIP,
  ENDPOINT_PORT,
  NODE,
  NODE_ADDRESS,
  POD_CIDR,
  SERVICE_PORT,
  serviceObject,
  sliceObject,
} from './service-objects.ts';

/**
 * A network namespace in which every endpoint's address is a local one, so that one server answers for all:
 *
 *   connect to a cluster IP --> nat hook output --> an endpoint's address, local on lo --> server on 0.0.0.0:8080
 *
 * The server says at which address it was reached, and after that whatever it hears.
 */
export interface ServiceNode {
  readonly netns: Netns;
  /** Connects to the service; resolves to the endpoint's address that the server was reached at. */
  connect(service: number): Promise<string>;
}

export function withServiceNode<T>(fn: (node: ServiceNode) => Promise<T>): Promise<T> {
  return withNetns(1, async (netns) => {
    ip(netns, `route add local ${POD_CIDR} dev lo`, `addr add ${NODE_ADDRESS}/32 dev lo`, 'route add default dev lo');
    const server = await listenTcp({ netns, address: '0.0.0.0', port: ENDPOINT_PORT });
    server.on('connection', (socket) => {
      socket.on('error', () => {}).on('data', (data) => socket.write(data));
      socket.write(`${socket.localAddress}\n`);
    });
    const connect = async (service: number): Promise<string> => {
      const socket = await connectTcp({ netns, address: clusterIP(service), port: SERVICE_PORT, timeout: 5000 });
      for await (const chunk of socket) return String(chunk).trim(); // which closes it
      throw new Error(`service ${service} did not answer`);
    };
    try {
      return await fn({ netns, connect });
    } finally {
      server.close();
    }
  });
}

/** The service proxy of that node, and the API objects it watches. */
export interface RunningRoom {
  readonly room: Room;
  readonly informers: FakeInformers;
}

export function informersOf(services: number): FakeInformers {
  const informers = new FakeInformers();
  informers.put('Node', NODE);
  for (let i = 0; i < services; i++) {
    informers.put('Service', serviceObject(i));
    informers.put('EndpointSlice', sliceObject(i));
  }
  return informers;
}

/** What a room gets that is not the default. */
export interface RoomOptions extends Pick<ServicesContext, 'sockets'> {
  readonly proxyMode?: ClusterConfig['proxyMode'];
}

export function servicesRoom(netns: Netns, informers: Informers, options: RoomOptions = {}): Room {
  const { proxyMode, sockets } = options;
  const cidrs = { podCidrs: [POD_CIDR], serviceCidrs: ['10.96.0.0/12'] };
  return createServicesRoom({
    netns,
    ...(sockets && { sockets }),
    nodeName: 'node-1',
    config: { ...cidrs, ...(proxyMode && { proxyMode }) } as unknown as ClusterConfig,
    client: {} as KubeClient,
    informers,
    logger: createLogger({ level: 'error' }),
    runDirectory: '/nonexistent',
    stateDirectory: '/nonexistent',
  });
}

/** Throws what kept the room from being in force. */
export function requireReady(room: Room): void {
  const { ready, errors } = room.status();
  if (!ready) throw new Error(`the services room is not in force: ${errors.join('; ')}`);
}
