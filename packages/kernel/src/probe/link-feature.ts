import type { IpAddress } from '@podwire/base';
import { checkCall } from '../errors.ts';
import { libc } from '../libc.ts';
import type { AttributesOf } from '../netlink/attribute.ts';
import { type Netlink, openNetlink } from '../netlink/netlink.ts';
import { encodeBody, NLM_F } from '../netlink/netlink-message.ts';
import { linkAttributes } from '../rtnetlink/link.ts';
import { ifinfomsg } from '../rtnetlink/link-attributes.ts';
import { RTM } from '../rtnetlink/message-type.ts';
import { featuresOf } from './feature.ts';

type LinkInfo = NonNullable<AttributesOf<typeof linkAttributes.rows>['info']>;

interface LinkTrial {
  readonly use: string;
  readonly kind?: string;
  readonly data?: LinkInfo['data'];
  /** The kind sits on top of another link. */
  readonly onLower?: boolean;
}

/** Without a remote end the kernel takes the request for its own fallback link (tunl0, gre0), which exists already. */
const remote = '192.0.2.1' as IpAddress;
const remote6 = '2001:db8::1' as IpAddress;

/** Kinds of links, each by making one; the kind is the feature's name unless told otherwise. */
export const LINK_FEATURES = featuresOf(
  {
    veth: { use: "pods' wires" },
    bridge: { use: 'bridge wiring of pods, switches of the lab' },
    vxlan: { use: 'vxlan backend', data: { vni: 1, port: 8472 } },
    macvlan: { use: 'macvlan wiring of pods', onLower: true },
    ipvlan: { use: 'ipvlan wiring of pods', onLower: true },
    vlan: { use: 'tagged underlays', data: { id: 1 }, onLower: true },
    dummy: { use: 'addresses without a wire' },
    ipip: { use: 'ipip backend', data: { remote } },
    gre: { use: 'gre backend', data: { remote } },
    gretap: { use: 'gre backend with Ethernet inside', data: { remote } },
    sit: { use: 'IPv6 inside IPv4', data: { remote } },
    ip6tnl: { use: 'packets inside IPv6', data: { remote: remote6 } },
    geneve: { use: 'geneve tunnels', data: { vni: 1, remote } },
    wireguard: { use: 'wireguard backend' },
    vrf: { use: 'routing tables of their own for groups of links', data: { table: 1000 } },
    ifb: { use: 'shaping of what comes in' },
    bond: { use: 'bonded underlays' },
    netkit: { use: "pods' wires with less work in the kernel" },
    'xfrm-interface': { use: 'ipsec backend with routes', kind: 'xfrm', data: { interfaceId: 1 } },
  } as const satisfies Record<string, LinkTrial>,
  (trial: LinkTrial, name) => tryLink({ kind: name, ...trial }),
);

function tryLink({ kind, data, onLower }: LinkTrial & { kind: string }): void {
  const netlink = openNetlink('route');
  try {
    createLink(netlink, 'pwprobe', { info: { kind, data }, lowerIndex: onLower ? lowerLink(netlink) : undefined });
  } finally {
    netlink.close();
  }
}

/** A link for others to sit on; its index. */
export function lowerLink(netlink: Netlink): number {
  createLink(netlink, 'pwlower', { info: { kind: 'veth' } });
  return linkIndex('pwlower');
}

export function linkIndex(name: string): number {
  const index = libc.if_nametoindex(name);
  checkCall(index === 0 ? -1 : 0, () => `find the link ${name}`);
  return index;
}

function createLink(netlink: Netlink, name: string, values: AttributesOf<typeof linkAttributes.rows>): void {
  const body = encodeBody(ifinfomsg, {}, linkAttributes, { name, ...values });
  const op = `create a ${values.info?.kind} link`;
  netlink.request({ type: RTM.NEWLINK, flags: NLM_F.CREATE | NLM_F.EXCL, body, op });
}
