import { attributes } from '../netlink/attribute.ts';
import { bits, bool, ip, named, pad, s32, struct, text, u8, u16, u32, u32be, u64be } from '../netlink/codec.ts';
import { addressFamily } from './message-type.ts';

/** FR_ACT_* of linux/fib_rules.h; ip-rule(8). */
export const RULE_ACTIONS = {
  unspec: 0,
  table: 1,
  goto: 2,
  nop: 3,
  blackhole: 6,
  unreachable: 7,
  prohibit: 8,
} as const;

/** The header of policy rule messages. Tables above 255 stand in FRA_TABLE. */
export const fibRuleHeader = struct('fib_rule_hdr', {
  family: addressFamily,
  destinationLength: u8,
  sourceLength: u8,
  tos: u8,
  table: u8,
  _1: pad(2),
  action: named(u8, RULE_ACTIONS),
  flags: bits(u32, {
    permanent: 1,
    invert: 2,
    unresolved: 4,
    inDetached: 8,
    outDetached: 16,
    findSource: 0x10000,
  }),
});

const uidRange = struct('fib_rule_uid_range', { start: u32, end: u32 });
const portRange = struct('fib_rule_port_range', { start: u16, end: u16 });

/** FRA_* of linux/fib_rules.h. */
export const ruleAttributes = attributes('rule', {
  to: [1, ip, 'FRA_DST'],
  from: [2, ip, 'FRA_SRC'],
  inLink: [3, text, 'FRA_IIFNAME'],
  goto: [4, u32, 'FRA_GOTO'],
  priority: [6, u32, 'FRA_PRIORITY'],
  mark: [10, u32, 'FRA_FWMARK'],
  flow: [11, u32, 'FRA_FLOW'],
  tunnelId: [12, u64be, 'FRA_TUN_ID'],
  suppressGroup: [13, s32, 'FRA_SUPPRESS_IFGROUP'],
  suppressPrefixLength: [14, s32, 'FRA_SUPPRESS_PREFIXLEN'],
  table: [15, u32, 'FRA_TABLE'],
  markMask: [16, u32, 'FRA_FWMASK'],
  outLink: [17, text, 'FRA_OIFNAME'],
  l3mdev: [19, bool, 'FRA_L3MDEV'],
  uidRange: [20, uidRange, 'FRA_UID_RANGE'],
  protocol: [21, u8, 'FRA_PROTOCOL'],
  ipProtocol: [22, u8, 'FRA_IP_PROTO'],
  sourcePorts: [23, portRange, 'FRA_SPORT_RANGE'],
  destinationPorts: [24, portRange, 'FRA_DPORT_RANGE'],
  dscp: [25, u8, 'FRA_DSCP'],
  flowLabel: [26, u32be, 'FRA_FLOWLABEL'],
  flowLabelMask: [27, u32be, 'FRA_FLOWLABEL_MASK'],
  sourcePortMask: [28, u16, 'FRA_SPORT_MASK'],
  destinationPortMask: [29, u16, 'FRA_DPORT_MASK'],
  dscpMask: [30, u8, 'FRA_DSCP_MASK'],
});
