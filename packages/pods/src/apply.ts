import type { IpAddress, Prefix } from '@podwire/base';
import { hasCode, messageOf, PodwireError } from '@podwire/base';
import { currentNetns, type Netns, openNetns } from '@podwire/kernel';
import { type Net, openNet, type Route } from '@podwire/net';
import type { Nft, Table } from '@podwire/nft';
import type { Attachment } from './attachment.ts';
import { formatAlias } from './attachment.ts';
import { compareWire } from './observe.ts';
import { PODS_TABLE } from './plan.ts';
import type { Dataplane } from './verbs.ts';
import type { BridgePlan, WirePlan } from './wire-plan.ts';
import { BRIDGE_LINK, PODS_PROTOCOL } from './wire-plan.ts';

/** By this alias cni0 is known as the room's own. */
export const BRIDGE_ALIAS = 'podwire bridge';

export interface KernelDataplaneOptions {
  readonly net: Net;
  readonly nft: Nft;
  readonly netns: Netns | undefined;
  /** Source of what the node itself sends to its pods; undefined until known. */
  readonly nodeAddress: () => IpAddress | undefined;
  readonly tables: () => readonly Table[];
}

export function createKernelDataplane(options: KernelDataplaneOptions): Dataplane {
  return new KernelDataplane(options);
}

class KernelDataplane implements Dataplane {
  readonly #options: KernelDataplaneOptions;
  readonly #node: bigint;

  constructor(options: KernelDataplaneOptions) {
    this.#options = options;
    this.#node = options.netns?.inode ?? inodeHere();
  }

  assertFree(netnsPath: string, ifName: string): void {
    withPod(netnsPath, ({ inode }, pod) => {
      if (inode === this.#node)
        throw new PodwireError('PODS_ENVIRONMENT', `CNI_NETNS ${netnsPath} is the namespace of the node itself`);
      if (pod.link(ifName))
        throw new PodwireError(
          'PODS_EXISTS',
          `${netnsPath} already has an interface ${ifName}; remove it or choose another name`,
        );
    });
  }

  wire(attachment: Attachment, plan: WirePlan): void {
    const { net, nodeAddress } = this.#options;
    try {
      if (plan.host.bridge) ensureBridge(net, plan.host.bridge);
      withPod(attachment.netnsPath, (netns, pod) => {
        createEnds(net, netns, attachment, plan);
        configurePod(pod, plan);
        configureHost(net, attachment, plan, nodeAddress());
        settle(net, pod, plan);
      });
    } catch (cause) {
      if (cause instanceof PodwireError && cause.code.startsWith('PODS_')) throw cause;
      const message = `${attachment.ifName} of container ${attachment.containerId} could not be wired: ${messageOf(cause)}`;
      throw new PodwireError('PODS_KERNEL', message, { cause });
    }
  }

  unwire(hostLink: string, attachment: Attachment | undefined): void {
    const { net } = this.#options;
    net.deleteLink(hostLink);
    if (attachment?.wiring !== 'bridge') return;
    const entry = net.neighbours(BRIDGE_LINK).find((n) => n.address === attachment.address);
    if (entry) net.deleteNeighbour(entry);
  }

  compare(attachment: Attachment, plan: WirePlan): readonly string[] {
    return compareWire(this.#options.net, attachment, plan);
  }

  syncTables(): void {
    writeTables(this.#options.nft, this.#options.tables());
  }
}

/** As every ADD and DEL does it: the difference to what was written last. */
function writeTables(nft: Nft, tables: readonly Table[]): void {
  for (const table of tables) nft.apply(table);
}

/**
 * Looks at the kernel again, mends what somebody changed, and removes a table that is not wanted any more. How many commands
 * mended what others changed.
 */
export function repairTables(nft: Nft, tables: readonly Table[]): number {
  for (const { family, name } of nft.tables())
    if (name === PODS_TABLE && !tables.some((t) => t.family === family)) nft.delete(family, name);
  const repairs = tables.reduce((sum, table) => sum + nft.repair(table).commands, 0);
  writeTables(nft, tables);
  return repairs;
}

function inodeHere(): bigint {
  const here = currentNetns();
  try {
    return here.inode;
  } finally {
    here.close();
  }
}

function withPod<T>(netnsPath: string, fn: (netns: Netns, pod: Net) => T): T {
  using resources = new DisposableStack();
  let netns: Netns;
  try {
    netns = resources.adopt(openNetns(netnsPath), (n) => n.close());
  } catch (cause) {
    throw new PodwireError('PODS_ENVIRONMENT', `CNI_NETNS ${netnsPath} is no network namespace; make it before ADD`, {
      cause,
    });
  }
  return fn(
    netns,
    resources.adopt(openNet(netns), (net) => net.close()),
  );
}

/** Both ends down: a veth made with its peer up is refused and slow to undo. IPv6 off: rules are for IPv4 only. */
function createEnds(host: Net, netns: Netns, attachment: Attachment, { pod, host: end }: WirePlan): void {
  const peer = { name: pod.link, netns, mac: pod.mac };
  host.createVeth({ name: end.link, mac: end.mac, mtu: attachment.mtu, peer });
  host.setSysctl(`net/ipv6/conf/${end.link}/disable_ipv6`, '1');
  if (attachment.hostPorts.length > 0)
    host.setSysctl(`net/ipv4/conf/${end.bridge?.name ?? end.link}/route_localnet`, '1');
  const alias = formatAlias(attachment);
  const port = end.bridge && { master: end.bridge.name, isolated: true };
  host.setLink(end.link, { up: true, alias, ...port });
}

function configurePod(net: Net, { pod }: WirePlan): void {
  net.setLink(pod.link, { up: true, mtu: pod.mtu });
  net.addAddress({ link: pod.link, address: pod.address.split('/')[0] as IpAddress, prefixLength: pod.prefixLength });
  net.replaceNeighbour({ link: pod.link, address: pod.gateway, mac: pod.gatewayMac, state: 'permanent' });
  const routes = pod.routes.map((r) => ({
    destination: r.destination,
    via: r.via,
    link: pod.link,
    ...(r.onlink && { onlink: true }),
  }));
  writeRoutes(net, routes);
}

function configureHost(net: Net, attachment: Attachment, { host }: WirePlan, source: IpAddress | undefined): void {
  net.replaceNeighbour({
    link: host.neighbourLink,
    address: attachment.address,
    mac: attachment.mac,
    state: 'permanent',
  });
  if (host.route) writeRoutes(net, [hostRoute(host.route, host.link, source)]);
}

/**
 * A link that just got its carrier sends nothing until the kernel has come round to it; reading the link makes it do so
 * at once (from 6.8 on). The pod's end first, then port and bridge, in the order in which the carrier spreads.
 */
function settle(net: Net, pod: Net, plan: WirePlan): void {
  pod.link(plan.pod.link);
  net.link(plan.host.link);
  if (plan.host.bridge) net.link(plan.host.bridge.name);
}

/** With a source, since the host end has no address and the kernel would otherwise take any of the node's. */
export function hostRoute(destination: Prefix, link: string, source: IpAddress | undefined): Route {
  return { destination, link, protocol: PODS_PROTOCOL, scope: 'link', ...(source !== undefined && { source }) };
}

function writeRoutes(net: Net, add: readonly Route[]): void {
  const failed = net.applyRoutes({ add, remove: [] }).find((result) => result.error !== undefined);
  if (failed?.error) throw failed.error;
}

/** Makes cni0, or checks that the one there is is ours. Pods behind isolated ports find each other by its proxy ARP. */
export function ensureBridge(net: Net, { name, mac, address, prefixLength }: BridgePlan): void {
  const link = net.link(name);
  if (link && link.alias !== BRIDGE_ALIAS)
    throw new PodwireError(
      'PODS_KERNEL',
      `an interface ${name} exists that is not podwire's; remove it, or use wiring ptp`,
    );
  if (!link) {
    net.createBridge({ name, mac });
    net.setLink(name, { alias: BRIDGE_ALIAS });
  }
  if (!net.addresses(name).some((a) => a.address === address)) net.addAddress({ link: name, address, prefixLength });
  if (link?.up) return;
  for (const [path, value] of bridgeSysctls(name)) net.setSysctl(path, value);
  forgoBridgeNetfilter(net);
  net.setLink(name, { up: true });
}

function bridgeSysctls(name: string): [path: string, value: string][] {
  return [
    [`net/ipv6/conf/${name}/disable_ipv6`, '1'],
    [`net/ipv4/conf/${name}/proxy_arp`, '1'],
    [`net/ipv4/conf/${name}/proxy_arp_pvlan`, '1'],
    [`net/ipv4/neigh/${name}/proxy_delay`, '0'],
    [`net/ipv4/conf/${name}/send_redirects`, '0'],
    ['net/ipv4/conf/all/send_redirects', '0'],
  ];
}

const BRIDGE_NETFILTER = 'net/bridge/bridge-nf-call-iptables';

/**
 * Where br_netfilter is loaded, a packet whose destination becomes a pod of the same bridge would be bridged, right
 * after DNAT, to a port it may not reach. Without it the packet takes the IP layer as all others do.
 */
function forgoBridgeNetfilter(net: Net): void {
  try {
    net.getSysctl(BRIDGE_NETFILTER);
  } catch (error) {
    if (hasCode(error, 'NET_BAD_SYSCTL')) return;
    throw error;
  }
  net.setSysctl(BRIDGE_NETFILTER, '0');
}
