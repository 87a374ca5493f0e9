import { attributes } from '../netlink/attribute.ts';
import { bits, blob, bytes, named, pad, text, u8, u16be, u32be, u64be } from '../netlink/codec.ts';
import { completeStruct } from '../netlink/complete-struct.ts';
import { connectionAttributes } from './conntrack-table.ts';

/** Messages and attributes of logged packets, linux/netfilter/nfnetlink_log.h. */

/** NFULNL_MSG_*: the lower byte of a message type of NFNL_SUBSYS.LOG. */
export const LOG_MSG = { PACKET: 0, CONFIG: 1 } as const;

/** NFULNL_CFG_CMD_*; the first two are about the group in nfgenmsg.resource, the others about nfgenmsg.family. */
const COMMANDS = { bind: 1, unbind: 2, 'family-bind': 3, 'family-unbind': 4 } as const;
/** NFULNL_COPY_*. */
const COPY_MODES = { none: 0, meta: 1, packet: 2 } as const;
/** NFULNL_CFG_F_*. */
const CONFIG_FLAGS = { sequence: 1, 'global-sequence': 2, conntrack: 4 } as const;

/** struct nfulnl_msg_config_mode: how many bytes of a packet are wanted. */
const mode = completeStruct('nfulnl_msg_config_mode', { range: u32be, mode: named(u8, COPY_MODES), _1: pad(1) });
export const logConfigAttributes = attributes('log configuration', {
  command: [1, named(u8, COMMANDS), 'NFULA_CFG_CMD'],
  mode: [2, mode, 'NFULA_CFG_MODE'],
  bufferSize: [3, u32be, 'NFULA_CFG_NLBUFSIZ'],
  /** Hundredths of a second. */
  timeout: [4, u32be, 'NFULA_CFG_TIMEOUT'],
  threshold: [5, u32be, 'NFULA_CFG_QTHRESH'],
  flags: [6, bits(u16be, CONFIG_FLAGS), 'NFULA_CFG_FLAGS'],
});

const vlan = attributes('log vlan', {
  protocol: [1, u16be, 'NFULA_VLAN_PROTO'],
  tci: [2, u16be, 'NFULA_VLAN_TCI'],
});
/** IP_CT_*: how a packet belongs to its connection. */
const CONNECTION_STATES = {
  ...{ established: 0, related: 1, new: 2, 'established-reply': 3, 'related-reply': 4, untracked: 7 },
} as const;

/** A packet that a rule logged; links are indexes. */
export const logPacketAttributes = attributes('logged packet', {
  packet: [1, completeStruct('nfulnl_msg_packet_hdr', { protocol: u16be, hook: u8, _1: pad(1) }), 'NFULA_PACKET_HDR'],
  mark: [2, u32be, 'NFULA_MARK'],
  timestamp: [
    3,
    completeStruct('nfulnl_msg_packet_timestamp', { seconds: u64be, microseconds: u64be }),
    'NFULA_TIMESTAMP',
  ],
  inLink: [4, u32be, 'NFULA_IFINDEX_INDEV'],
  outLink: [5, u32be, 'NFULA_IFINDEX_OUTDEV'],
  physicalInLink: [6, u32be, 'NFULA_IFINDEX_PHYSINDEV'],
  physicalOutLink: [7, u32be, 'NFULA_IFINDEX_PHYSOUTDEV'],
  hardwareAddress: [
    8,
    completeStruct('nfulnl_msg_packet_hw', { length: u16be, _1: pad(2), address: blob(8) }),
    'NFULA_HWADDR',
  ],
  payload: [9, bytes, 'NFULA_PAYLOAD'],
  prefix: [10, text, 'NFULA_PREFIX'],
  uid: [11, u32be, 'NFULA_UID'],
  sequence: [12, u32be, 'NFULA_SEQ'],
  globalSequence: [13, u32be, 'NFULA_SEQ_GLOBAL'],
  gid: [14, u32be, 'NFULA_GID'],
  hardwareType: [15, u16be, 'NFULA_HWTYPE'],
  hardwareHeader: [16, bytes, 'NFULA_HWHEADER'],
  hardwareHeaderLength: [17, u16be, 'NFULA_HWLEN'],
  connection: [18, connectionAttributes, 'NFULA_CT'],
  connectionState: [19, named(u32be, CONNECTION_STATES), 'NFULA_CT_INFO'],
  vlan: [20, vlan, 'NFULA_VLAN'],
  layer2Header: [21, bytes, 'NFULA_L2HDR'],
});
