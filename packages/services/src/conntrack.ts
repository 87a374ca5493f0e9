import type { IpAddress } from '@podwire/base';
import type { Netlink } from '@podwire/kernel';
import { type Connection, type ConnectionKey, deleteConnections, listConnections } from '@podwire/kernel/nfnetlink';

/** A tracked UDP flow: where the client sent to, and who answers. */
export interface UdpFlow {
  readonly destination: IpAddress;
  readonly destinationPort: number;
  readonly endpoint: IpAddress;
  readonly endpointPort: number;
}

/** As the kernel gave it, with what it takes to name it again, and only this incarnation of it. */
export interface TrackedFlow extends UdpFlow {
  readonly identity: ConnectionKey;
}

/** All tracked UDP flows of the netlink socket's netns, of both families. */
export function listUdpFlows(netlink: Netlink): TrackedFlow[] {
  return listConnections(netlink, { protocol: 'udp' }).flatMap((connection) => {
    const flow = flowFrom(connection);
    return flow ? [flow] : [];
  });
}

/** Forgets the flows; those already gone are no error. Returns how many it removed. */
export function deleteFlows(netlink: Netlink, flows: readonly TrackedFlow[]): number {
  return deleteConnections(
    netlink,
    flows.map(({ identity }) => identity),
  );
}

function flowFrom({ protocol, original, reply, zone, id }: Connection): TrackedFlow | undefined {
  const { destination, destinationPort } = original;
  const { source: endpoint, sourcePort: endpointPort } = reply;
  if (destinationPort === undefined || endpointPort === undefined) return undefined;
  const identity = { protocol, original, ...(zone !== undefined && { zone }), ...(id !== undefined && { id }) };
  return { destination, destinationPort, endpoint, endpointPort, identity };
}
