import type { IpAddress } from '@podwire/base';
import { checkCall } from '../errors.ts';
import { libc } from '../libc.ts';
import { attributes, encodeAttributes, encoded } from '../netlink/attribute.ts';
import { ip, pad, struct, text, u16, u16be, u32 } from '../netlink/codec.ts';
import { openNetlink } from '../netlink/netlink.ts';
import { encodeBody, NLM_F } from '../netlink/netlink-message.ts';

const RTM_NEWLINK = 16;

const ifinfomsg = struct('ifinfomsg', { _1: pad(16) });
const linkInfo = attributes('IFLA_LINKINFO', { kind: [1, text], data: [2, encoded] });
/** The few attributes of linux/if_link.h that it takes to create a link. */
const linkAttributes = attributes('link', {
  name: [3, text], // IFLA_IFNAME
  lower: [5, u32], // IFLA_LINK
  info: [18, linkInfo], // IFLA_LINKINFO
});
const vxlanData = attributes('vxlan', { vni: [1, u32], port: [15, u16be] });
/** Without a remote end the kernel takes the request for its own fallback link (tunl0, gre0), which exists already. */
const remote = { remote: '192.0.2.1' as IpAddress };
const ipipData = attributes('ipip', { remote: [3, ip] }); // IFLA_IPTUN_REMOTE
const greData = attributes('gre', { remote: [7, ip] }); // IFLA_GRE_REMOTE
const vlanData = attributes('vlan', { id: [1, u16] });

interface LinkProbe {
  readonly kind: string;
  readonly data?: Uint8Array;
  /** The kind sits on top of another link. */
  readonly onLower?: boolean;
}

export const LINK_PROBES = {
  veth: { kind: 'veth' },
  bridge: { kind: 'bridge' },
  dummy: { kind: 'dummy' },
  vxlan: { kind: 'vxlan', data: encodeAttributes(vxlanData, { vni: 1, port: 8472 }) },
  ipip: { kind: 'ipip', data: encodeAttributes(ipipData, remote) },
  gre: { kind: 'gre', data: encodeAttributes(greData, remote) },
  wireguard: { kind: 'wireguard' },
  vlan: { kind: 'vlan', data: encodeAttributes(vlanData, { id: 1 }), onLower: true },
  macvlan: { kind: 'macvlan', onLower: true },
  ipvlan: { kind: 'ipvlan', onLower: true },
} satisfies Record<string, LinkProbe>;

/** Creates a link of the kind in the calling thread's netns, which the caller throws away. */
export function tryLinkKind({ kind, data, onLower }: LinkProbe): void {
  const netlink = openNetlink('route');
  const create = (name: string, info: { kind: string; data?: Uint8Array | undefined }, lower?: number) => {
    const body = encodeBody(ifinfomsg, {}, linkAttributes, { name, lower, info });
    netlink.request({ type: RTM_NEWLINK, flags: NLM_F.CREATE | NLM_F.EXCL, body, op: `create a ${info.kind} link` });
  };
  try {
    let lower: number | undefined;
    if (onLower) {
      create('pwlower', { kind: 'veth' });
      lower = libc.if_nametoindex('pwlower');
      checkCall(lower === 0 ? -1 : 0, () => 'find the lower link');
    }
    create('pwprobe', { kind, data }, lower);
  } finally {
    netlink.close();
  }
}
