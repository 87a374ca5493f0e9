import type { IpAddress } from '@podwire/base';
import { encodeBody, type Netns, NLM_F } from '@podwire/kernel';
import { ifinfomsg, linkAttributes, RTM } from '@podwire/kernel/rtnetlink';
import { deleteLink, type LinkProperties } from './link.ts';
import { encodeSettings, hasOwnLower, isLinkKind } from './link-kind.ts';
import { checkLinkName, createdValues, setLink } from './link-settings.ts';
import { badValue, encodeFor, type RouteSocket } from './rtnetlink.ts';

/** The other end of a veth or netkit pair, born in its namespace. Absent values: as the first end's, or the kernel's. */
export interface LinkPeer {
  readonly name: string;
  /** Default: the namespace of the first end. */
  readonly netns?: Netns;
  readonly mac?: string;
  readonly mtu?: number;
}

/** A link to be made. What is absent is the kernel's choice. */
export interface LinkSpec extends LinkProperties {
  /** 1 to 15 bytes without spaces, slashes, colons and percent signs. */
  readonly name: string;
  readonly kind: string;
  /** The bridge, bond or VRF to become a port of. */
  readonly master?: string;
  /** The link to sit on; vlan, macvlan and ipvlan need one. */
  readonly lower?: string;
  /** veth and netkit need one. */
  readonly peer?: LinkPeer;
  readonly txQueues?: number;
  readonly rxQueues?: number;
  /** Parameters of a kind that podwire does not know, as the kernel reads them. */
  readonly data?: Uint8Array;
}

/** Makes a link with all its settings, or none: if a setting is refused, the link is removed again. */
export function createLink(socket: RouteSocket, spec: LinkSpec): void {
  const { name, kind } = spec;
  checkLinkName(name);
  const body = encodeFor(`link ${name}`, () => encodeLink(socket, spec));
  const op = `create ${kind} ${name}`;
  socket.netlink.request({ type: RTM.NEWLINK, flags: NLM_F.CREATE | NLM_F.EXCL, body, op });
  const later = leftOver(spec);
  if (Object.keys(later).length === 0) return;
  try {
    setLink(socket, name, later);
  } catch (error) {
    deleteLink(socket, name);
    throw error;
  }
}

function encodeLink(socket: RouteSocket, spec: LinkSpec): Buffer {
  const { name, kind, txQueues, rxQueues } = spec;
  const lowerIndex = spec.lower === undefined ? undefined : socket.indexOf(spec.lower);
  return encodeBody(ifinfomsg, {}, linkAttributes, {
    ...createdValues(spec),
    mtu: kind === 'bridge' ? undefined : spec.mtu,
    name,
    txQueues,
    rxQueues,
    lowerIndex: hasOwnLower(kind) ? undefined : lowerIndex,
    info: { kind, data: kindData(spec, lowerIndex) as never },
  });
}

/**
 * What the kernel takes only once the link exists. A veth whose peer is not there yet cannot be raised at once; the MTU
 * that a bridge is made with changes with its ports, the one that it is given stays.
 */
function leftOver(spec: LinkSpec): Parameters<typeof setLink>[2] {
  const { up, master, alias, altNames, isolated, hairpin, bridgePort, protocolDown, addressGeneration } = spec;
  const { arp, multicast, allMulticast, promiscuous } = spec;
  const port = { isolated, hairpin, bridgePort };
  const flags = { up, arp, multicast, allMulticast, promiscuous };
  const mtu = spec.kind === 'bridge' ? spec.mtu : undefined;
  const given = Object.entries({ mtu, master, alias, altNames, protocolDown, addressGeneration, ...port, ...flags });
  return Object.fromEntries(given.filter(([, value]) => value !== undefined));
}

function kindData(spec: LinkSpec, lowerIndex: number | undefined): object | undefined {
  const { kind, data } = spec;
  if (!isLinkKind(kind)) return data;
  const settings = encodeSettings(kind, spec[kind] ?? {});
  if (spec.peer) return { ...settings, peer: peerData(spec, spec.peer) };
  if (kind === 'veth' || kind === 'netkit')
    throw badValue(`link ${spec.name}`, `a ${kind} has two ends; say the name of the other one in "peer"`);
  if (!hasOwnLower(kind)) return Object.keys(settings).length === 0 ? undefined : settings;
  return { ...settings, lowerIndex };
}

function peerData(spec: LinkSpec, { name, netns, mac, mtu = spec.mtu }: LinkPeer): object {
  checkLinkName(name);
  return { name, mac, mtu, netnsFd: netns?.fd };
}

interface NewLink {
  readonly name: string;
  readonly mac?: string;
  readonly mtu?: number;
}

/**
 * A pair of links joined like the two ends of a cable; veth(4). Both are down: a veth whose peer is created up is
 * refused. The peer is born in its namespace, with the same MTU.
 */
export interface NewVeth extends NewLink {
  readonly peer: { readonly name: string; readonly netns: Netns; readonly mac?: string };
}

export interface NewBridge extends NewLink {}

/** A VXLAN tunnel end (RFC 7348) without multicast: peers are fdb entries. */
export interface NewVxlan extends NewLink {
  readonly vni: number;
  /** Outer source address. */
  readonly local: IpAddress;
  /** UDP destination port, 8472 or 4789. */
  readonly port: number;
  /** Whether the kernel makes fdb entries from what it receives. */
  readonly learning: boolean;
}

export function createVeth(socket: RouteSocket, veth: NewVeth): void {
  createLink(socket, { ...veth, kind: 'veth' });
}

export function createBridge(socket: RouteSocket, bridge: NewBridge): void {
  createLink(socket, { ...bridge, kind: 'bridge' });
}

export function createVxlan(socket: RouteSocket, { vni, local, port, learning, ...link }: NewVxlan): void {
  createLink(socket, { ...link, kind: 'vxlan', vxlan: { vni, local, port, learning } });
}
