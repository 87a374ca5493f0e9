import { createNetns, type Netns } from '@podwire/kernel';
import { type Net, openNet } from '@podwire/net';
import { type End, type Namespace, netnsName, type Topology } from './topology.ts';

/** Makes the namespaces and wires of a topology; the caller sweeps after a failure. */
export function buildTopology(lab: string, topology: Topology): ReadonlyMap<string, Netns> {
  const places = new Map(
    topology.namespaces.map(({ role }) => {
      const netns = createNetns(netnsName(lab, role));
      return [role, { netns, net: openNet(netns) }] as const;
    }),
  );
  const at = (role: string): { netns: Netns; net: Net } => {
    const place = places.get(role);
    if (!place) throw new Error(`the topology names ${role}, which it does not define`);
    return place;
  };
  for (const namespace of topology.namespaces) prepare(at(namespace.role).net, namespace);
  for (const [a, b] of topology.cables) plug(at, a, b);
  for (const namespace of topology.namespaces) address(at(namespace.role).net, namespace);
  for (const { net } of places.values()) net.close();
  return new Map([...places].map(([role, { netns }]) => [role, netns]));
}

function prepare(net: Net, { forwarding, bridges }: Namespace): void {
  net.setSysctl('net/ipv4/ip_forward', forwarding ? '1' : '0');
  for (const name of bridges) {
    net.createBridge({ name });
    net.setLink(name, { up: true });
  }
}

function plug(at: (role: string) => { netns: Netns; net: Net }, a: End, b: End): void {
  const [left, right] = [at(a.role), at(b.role)];
  // Born in its place and raised afterwards: a veth whose peer is created up is refused with ENOTCONN.
  left.net.createVeth({ name: a.link, peer: { name: b.link, netns: right.netns } });
  if (a.master) left.net.setLink(a.link, { master: a.master });
  right.net.setLink(b.link, { up: true });
  left.net.setLink(a.link, { up: true });
}

function address(net: Net, { addresses, routes }: Namespace): void {
  for (const one of addresses) net.addAddress(one);
  const results = net.applyRoutes({ add: routes.map(({ destination, via }) => ({ destination, via })), remove: [] });
  const failed = results.find((result) => result.error);
  if (failed?.error) throw failed.error;
}
