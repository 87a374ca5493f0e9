import type { IpAddress, Prefix } from '@podwire/base';
import { hostPrefix, messageOf, prefixContains } from '@podwire/base';
import { currentNetns, listNetns, type Netns, openNetns } from '@podwire/kernel';
import { type Net, openNet } from '@podwire/net';
import type { Attachment } from './attachment.ts';
import { POD_LINK_PREFIX } from './attachment.ts';
import { isWiredTo } from './netns-peer.ts';
import type { HostLink } from './reconcile.ts';
import type { WirePlan } from './wire-plan.ts';
import { PODS_PROTOCOL } from './wire-plan.ts';

const DEFAULT_ROUTE = '0.0.0.0/0';
const DEFAULT_MTU = 1500;

export function observeHostLinks(net: Net): HostLink[] {
  return net
    .links()
    .filter((link) => link.name.startsWith(POD_LINK_PREFIX))
    .map(({ name, alias, master, mtu }) => ({ name, alias, master, mtu }));
}

/** MTU of the interface with the node's address, 1500 while there is none. */
export function observeUplinkMtu(net: Net, address: IpAddress | undefined): number {
  const link = net.addresses().find((a) => a.address === address)?.link;
  return (link === undefined ? undefined : net.link(link)?.mtu) ?? DEFAULT_MTU;
}

/** Addresses of the podCIDR in the named namespaces that are wired to the node, with the names of these (POD-13). */
export function observeLiveAddresses(podCidr: Prefix, node: Netns | undefined): Map<IpAddress, string> {
  using resources = new DisposableStack();
  const here = node ?? resources.adopt(currentNetns(), (n) => n.close());
  const found = new Map<IpAddress, string>();
  for (const name of listNetns()) {
    for (const address of addressesIn(name, here))
      if (prefixContains(podCidr, address)) found.set(address, `namespace ${name}`);
  }
  return found;
}

/** A namespace may go away while it is looked at; then it has none. */
function addressesIn(name: string, node: Netns): IpAddress[] {
  try {
    return inNetns(name, (net, netns) => {
      const pod = netns.inode !== node.inode && isWiredTo(netns, net, node);
      return pod ? net.addresses().map((a) => a.address) : [];
    });
  } catch {
    return [];
  }
}

/** Opens a namespace for the time of one function. */
function inNetns<T>(nameOrPath: string, fn: (net: Net, netns: Netns) => T): T {
  using resources = new DisposableStack();
  const netns = resources.adopt(openNetns(nameOrPath), (n) => n.close());
  return fn(
    resources.adopt(openNet(netns), (net) => net.close()),
    netns,
  );
}

/** What differs between an attachment's plan and the kernel, one line each (POD-5). */
export function compareWire(host: Net, attachment: Attachment, plan: WirePlan): string[] {
  return [...compareHostEnd(host, attachment, plan), ...comparePodEnd(attachment, plan)];
}

function compareHostEnd(host: Net, { address, mac, hostLink }: Attachment, plan: WirePlan): string[] {
  const link = host.link(hostLink);
  if (!link) return [`the host end ${hostLink} is gone`];
  const { route, bridge, neighbourLink } = plan.host;
  const routed =
    route === undefined ||
    host.routes({ protocol: PODS_PROTOCOL }).some((r) => r.destination === route && r.link === hostLink);
  const known = host.neighbours(neighbourLink).some((n) => n.address === address && n.mac === mac);
  return [
    ...(link.up ? [] : [`${hostLink} is down`]),
    ...(link.master === bridge?.name
      ? []
      : [`${hostLink} is ${link.master ? `a port of ${link.master}` : 'no bridge port'}`]),
    ...(routed ? [] : [`the node has no route ${hostPrefix(address)} dev ${hostLink}`]),
    ...(known ? [] : [`the node has no neighbour entry ${address} lladdr ${mac} dev ${neighbourLink}`]),
  ];
}

function comparePodEnd({ netnsPath, ifName }: Attachment, { pod }: WirePlan): string[] {
  try {
    return inNetns(netnsPath, (net) => {
      const link = net.link(ifName);
      if (!link) return [`there is no ${ifName} in ${netnsPath}`];
      const addressed = net.addresses(ifName).some((a) => `${a.address}/${a.prefixLength}` === pod.address);
      const routed = net
        .routes()
        .some((r) => r.destination === DEFAULT_ROUTE && r.via === pod.gateway && r.link === ifName);
      return [
        ...(link.up ? [] : [`${ifName} is down`]),
        ...(link.mac === pod.mac ? [] : [`${ifName} has MAC ${link.mac}, not ${pod.mac}`]),
        ...(link.mtu === pod.mtu ? [] : [`${ifName} has MTU ${link.mtu}, not ${pod.mtu}`]),
        ...(addressed ? [] : [`${ifName} has no address ${pod.address}`]),
        ...(routed ? [] : [`there is no default route via ${pod.gateway} dev ${ifName}`]),
      ];
    });
  } catch (error) {
    return [`namespace ${netnsPath} cannot be read: ${messageOf(error)}`];
  }
}
