import type { Room, RoomContext } from '@podwire/kube';
import type { ServicesRoom } from '@podwire/services';

export const ROOM_NAMES = ['fabric', 'policy', 'pods', 'services', 'dns', 'ingress', 'loadbalancer'] as const;
export type RoomName = (typeof ROOM_NAMES)[number];

export interface Rooms {
  readonly all: readonly Room[];
  /** One of them. */
  readonly services?: ServicesRoom | undefined;
}

/** Makes rooms of a node, not started yet, and lets them know of each other. The code of the others is not loaded. */
export async function createRooms(
  names: readonly RoomName[],
  context: (name: RoomName) => RoomContext,
): Promise<Rooms> {
  const wants = (name: RoomName): boolean => names.includes(name);
  const policy = wants('policy') ? (await import('@podwire/policy')).createPolicyRoom(context('policy')) : undefined;
  let services: ServicesRoom | undefined;
  const pods = wants('pods')
    ? (await import('@podwire/pods')).createPodsRoom({
        ...context('pods'),
        podReady: async ({ identity, address }) => {
          services?.podsChanged();
          if (identity) await policy?.ensurePod({ namespace: identity.namespace, name: identity.name, address });
        },
      })
    : undefined;
  if (wants('services')) {
    const sockets = pods && { podNamespaces: () => pods.podNamespaces() };
    const { createServicesRoom } = await import('@podwire/services');
    services = createServicesRoom({ ...context('services'), ...(sockets && { sockets }) });
  }
  const fabric = wants('fabric') ? (await import('@podwire/fabric')).createFabricRoom(context('fabric')) : undefined;
  const dns = wants('dns') ? (await import('@podwire/dns')).createDnsRoom(context('dns')) : undefined;
  const ingress = wants('ingress')
    ? (await import('@podwire/ingress')).createIngressRoom(context('ingress'))
    : undefined;
  const loadbalancer = wants('loadbalancer')
    ? (await import('@podwire/loadbalancer')).createLoadBalancerRoom(context('loadbalancer'))
    : undefined;
  const all = [fabric, policy, pods, services, dns, ingress, loadbalancer].filter((room) => room !== undefined);
  return { all, services };
}
