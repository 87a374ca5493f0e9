import { encodeError } from '../errors.ts';
import { attributes } from '../netlink/attribute.ts';
import {
  array,
  bits,
  bytes,
  type Codec,
  ip,
  mac,
  named,
  pad,
  s16,
  s32,
  text,
  u8,
  u16,
  u16be,
  u32,
  u32be,
} from '../netlink/codec.ts';
import { completeStruct } from '../netlink/complete-struct.ts';
import { tcActions } from './tc-action-table.ts';
import { tcHandle } from './tc-identifier.ts';

/** The options of filters, linux/pkt_cls.h. */

/** TCA_CLS_FLAGS_*: in hardware or not. */
const classifierFlags = bits(u32, { skipHardware: 1, skipSoftware: 2, inHardware: 4, notInHardware: 8, verbose: 16 });

export const bpf = attributes('bpf', {
  actions: [1, tcActions, 'TCA_BPF_ACT'],
  classId: [3, tcHandle, 'TCA_BPF_CLASSID'],
  opsLength: [4, u16, 'TCA_BPF_OPS_LEN'],
  ops: [5, bytes, 'TCA_BPF_OPS'],
  fd: [6, u32, 'TCA_BPF_FD'],
  name: [7, text, 'TCA_BPF_NAME'],
  flags: [8, bits(u32, { directAction: 1 }), 'TCA_BPF_FLAGS'],
  hardwareFlags: [9, classifierFlags, 'TCA_BPF_FLAGS_GEN'],
  tag: [10, bytes, 'TCA_BPF_TAG'],
  id: [11, u32, 'TCA_BPF_ID'],
});

export const matchall = attributes('matchall', {
  classId: [1, tcHandle, 'TCA_MATCHALL_CLASSID'],
  actions: [2, tcActions, 'TCA_MATCHALL_ACT'],
  flags: [3, classifierFlags, 'TCA_MATCHALL_FLAGS'],
  counters: [4, bytes, 'TCA_MATCHALL_PCNT'],
});

const u32Key = completeStruct('tc_u32_key', { mask: u32be, value: u32be, offset: s32, offsetMask: s32 });
const u32Keys = array(u32Key);
const u32Head = completeStruct('tc_u32_sel', {
  flags: u8,
  offsetShift: u8,
  count: u8,
  _1: pad(1),
  offsetMask: u16be,
  baseOffset: u16,
  offsetAt: s16,
  hashOffset: s16,
  hashMask: u32be,
});
type U32Selector = Omit<ReturnType<typeof u32Head.read>, 'count'> & { readonly keys: ReturnType<typeof u32Keys.read> };

const u32Selector: Codec<U32Selector> = {
  name: 'tc_u32_sel',
  write(out, { keys, ...head }) {
    if (keys.length > 128) throw encodeError(`keys: ${keys.length} words to compare; u32 takes 128`);
    u32Head.write(out, { ...head, count: keys.length });
    u32Keys.write(out, keys);
  },
  read(b) {
    const { count, ...head } = u32Head.read(b);
    return { ...head, keys: u32Keys.read(b.subarray(u32Head.size, u32Head.size + count * u32Key.size)) };
  },
};

export const u32Filter = attributes('u32', {
  classId: [1, tcHandle, 'TCA_U32_CLASSID'],
  hash: [2, u32, 'TCA_U32_HASH'],
  link: [3, u32, 'TCA_U32_LINK'],
  divisor: [4, u32, 'TCA_U32_DIVISOR'],
  selector: [5, u32Selector, 'TCA_U32_SEL'],
  actions: [7, tcActions, 'TCA_U32_ACT'],
  indev: [8, text, 'TCA_U32_INDEV'],
  counters: [9, bytes, 'TCA_U32_PCNT'],
  mark: [10, completeStruct('tc_u32_mark', { value: u32, mask: u32, success: u32 }), 'TCA_U32_MARK'],
  flags: [11, classifierFlags, 'TCA_U32_FLAGS'],
});

/** The payload protocols that have words; IPPROTO_* of netinet/in.h. */
export const ipProtocol = named(u8, { icmp: 1, tcp: 6, udp: 17, esp: 50, ah: 51, icmpv6: 58, sctp: 132 });

/** ETH_P_* of linux/if_ether.h. */
export const ETHER_TYPES = { all: 3, ip: 0x0800, arp: 0x0806, '802.1q': 0x8100, ipv6: 0x86dd, mpls: 0x8847 } as const;

/** The keys of flower that podwire matches; the others stay bytes. */
export const flower = attributes('flower', {
  classId: [1, tcHandle, 'TCA_FLOWER_CLASSID'],
  indev: [2, text, 'TCA_FLOWER_INDEV'],
  actions: [3, tcActions, 'TCA_FLOWER_ACT'],
  destinationMac: [4, mac, 'TCA_FLOWER_KEY_ETH_DST'],
  destinationMacMask: [5, mac, 'TCA_FLOWER_KEY_ETH_DST_MASK'],
  sourceMac: [6, mac, 'TCA_FLOWER_KEY_ETH_SRC'],
  sourceMacMask: [7, mac, 'TCA_FLOWER_KEY_ETH_SRC_MASK'],
  etherType: [8, named(u16be, ETHER_TYPES), 'TCA_FLOWER_KEY_ETH_TYPE'],
  protocol: [9, ipProtocol, 'TCA_FLOWER_KEY_IP_PROTO'],
  source4: [10, ip, 'TCA_FLOWER_KEY_IPV4_SRC'],
  source4Mask: [11, ip, 'TCA_FLOWER_KEY_IPV4_SRC_MASK'],
  destination4: [12, ip, 'TCA_FLOWER_KEY_IPV4_DST'],
  destination4Mask: [13, ip, 'TCA_FLOWER_KEY_IPV4_DST_MASK'],
  source6: [14, ip, 'TCA_FLOWER_KEY_IPV6_SRC'],
  source6Mask: [15, ip, 'TCA_FLOWER_KEY_IPV6_SRC_MASK'],
  destination6: [16, ip, 'TCA_FLOWER_KEY_IPV6_DST'],
  destination6Mask: [17, ip, 'TCA_FLOWER_KEY_IPV6_DST_MASK'],
  tcpSource: [18, u16be, 'TCA_FLOWER_KEY_TCP_SRC'],
  tcpDestination: [19, u16be, 'TCA_FLOWER_KEY_TCP_DST'],
  udpSource: [20, u16be, 'TCA_FLOWER_KEY_UDP_SRC'],
  udpDestination: [21, u16be, 'TCA_FLOWER_KEY_UDP_DST'],
  flags: [22, classifierFlags, 'TCA_FLOWER_FLAGS'],
  vlanId: [23, u16, 'TCA_FLOWER_KEY_VLAN_ID'],
  vlanPriority: [24, u8, 'TCA_FLOWER_KEY_VLAN_PRIO'],
  vlanEtherType: [25, named(u16be, ETHER_TYPES), 'TCA_FLOWER_KEY_VLAN_ETH_TYPE'],
  tcpSourceMask: [35, u16be, 'TCA_FLOWER_KEY_TCP_SRC_MASK'],
  tcpDestinationMask: [36, u16be, 'TCA_FLOWER_KEY_TCP_DST_MASK'],
  udpSourceMask: [37, u16be, 'TCA_FLOWER_KEY_UDP_SRC_MASK'],
  udpDestinationMask: [38, u16be, 'TCA_FLOWER_KEY_UDP_DST_MASK'],
  sctpSourceMask: [39, u16be, 'TCA_FLOWER_KEY_SCTP_SRC_MASK'],
  sctpDestinationMask: [40, u16be, 'TCA_FLOWER_KEY_SCTP_DST_MASK'],
  sctpSource: [41, u16be, 'TCA_FLOWER_KEY_SCTP_SRC'],
  sctpDestination: [42, u16be, 'TCA_FLOWER_KEY_SCTP_DST'],
  inHardware: [86, u32, 'TCA_FLOWER_IN_HW_COUNT'],
});
