import { familyOf, type IpAddress } from '@podwire/base';
import { encodeAttributes, encodeBody, type Netns, NLM_F } from '@podwire/kernel';
import { linkAttributes, vethData, vxlanData } from './link-kind.ts';
import { ifinfomsg, type RouteSocket, RTM } from './rtnetlink.ts';

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

function create(socket: RouteSocket, link: NewLink, info: { kind: string; data?: Uint8Array }): void {
  const { name, mac, mtu } = link;
  const body = encodeBody(ifinfomsg, {}, linkAttributes, { name, mac, mtu, info });
  socket.netlink.request({
    type: RTM.NEWLINK,
    flags: NLM_F.CREATE | NLM_F.EXCL,
    body,
    op: `create ${info.kind} ${name}`,
  });
}

export function createVeth(socket: RouteSocket, veth: NewVeth): void {
  const { name, netns, mac } = veth.peer;
  const peer = encodeBody(ifinfomsg, {}, linkAttributes, { name, mac, mtu: veth.mtu, netnsFd: netns.fd });
  create(socket, veth, { kind: 'veth', data: encodeAttributes(vethData, { peer }) });
}

export function createBridge(socket: RouteSocket, bridge: NewBridge): void {
  create(socket, bridge, { kind: 'bridge' });
}

export function createVxlan(socket: RouteSocket, vxlan: NewVxlan): void {
  const { vni, local, port, learning } = vxlan;
  const source = familyOf(local) === 'ipv4' ? { local } : { local6: local };
  create(socket, vxlan, { kind: 'vxlan', data: encodeAttributes(vxlanData, { vni, port, learning, ...source }) });
}
