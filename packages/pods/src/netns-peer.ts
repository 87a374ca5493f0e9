import { attributes, attributesAfter, codec, encodeBody, type Netns, openNetlink } from '@podwire/kernel';
import type { Net } from '@podwire/net';

const { s32, struct, u32, u8, pad } = codec;

/** linux/net_namespace.h, linux/rtnetlink.h */
const RTM_GETNSID = 90;
const rtgenmsg = struct('rtgenmsg', { family: u8, _1: pad(3) });
const nsidAttributes = attributes('namespace id', {
  id: [1, s32], // NETNSA_NSID
  fd: [3, u32], // NETNSA_FD
});

/**
 * Whether some link of `netns` has its other end in `node`: only then has the kernel given `node` a number there, at
 * the latest when it lists the links. Tells the pods of this node from those of other nodes or labs on one machine.
 */
export function isWiredTo(netns: Netns, net: Net, node: Netns): boolean {
  net.links();
  const netlink = openNetlink('route', netns);
  try {
    const body = encodeBody(rtgenmsg, { family: 0 }, nsidAttributes, { fd: node.fd });
    const [answer] = netlink.request({
      type: RTM_GETNSID,
      flags: 0,
      body,
      op: `read the number of ${node.path} in ${netns.path}`,
    });
    const { id = -1 } = answer ? nsidAttributes.read(attributesAfter(answer.body, rtgenmsg.size)) : {};
    return id >= 0;
  } finally {
    netlink.close();
  }
}
