import { attributes, listOf, repeated } from '../netlink/attribute.ts';
import { bits, bytes, named, text, u8, u16be, u32be, u64be } from '../netlink/codec.ts';
import { connectionStatus } from './conntrack-table.ts';
import { nftData, nftExpression, nftStateful, nftStatefulExpression, nftVerdict } from './nf-tables-expression.ts';
import { nftObjectType } from './nf-tables-object.ts';
import { s32be } from './nfgenmsg.ts';

/** enum nf_tables_msg_types: the lower byte of a message type; NEW messages are also what is listed and announced. */
export const NFT_MSG = {
  ...{ NEWTABLE: 0, GETTABLE: 1, DELTABLE: 2, NEWCHAIN: 3, GETCHAIN: 4, DELCHAIN: 5, NEWRULE: 6, GETRULE: 7 },
  ...{ DELRULE: 8, NEWSET: 9, GETSET: 10, DELSET: 11, NEWSETELEM: 12, GETSETELEM: 13, DELSETELEM: 14, NEWGEN: 15 },
  ...{ GETGEN: 16, TRACE: 17, NEWOBJ: 18, GETOBJ: 19, DELOBJ: 20, GETOBJ_RESET: 21, NEWFLOWTABLE: 22 },
  ...{ GETFLOWTABLE: 23, DELFLOWTABLE: 24, GETRULE_RESET: 25, DESTROYTABLE: 26, DESTROYCHAIN: 27, DESTROYRULE: 28 },
  ...{ DESTROYSET: 29, DESTROYSETELEM: 30, DESTROYOBJ: 31, DESTROYFLOWTABLE: 32, GETSETELEM_RESET: 33 },
} as const;

export const nftTable = attributes('nft table', {
  name: [1, text, 'NFTA_TABLE_NAME'],
  flags: [2, bits(u32be, { dormant: 1, owner: 2, persist: 4 }), 'NFTA_TABLE_FLAGS'],
  use: [3, u32be, 'NFTA_TABLE_USE'],
  handle: [4, u64be, 'NFTA_TABLE_HANDLE'],
  owner: [7, u32be, 'NFTA_TABLE_OWNER'],
  userdata: [6, bytes, 'NFTA_TABLE_USERDATA'],
});

const devices = attributes('nft devices', {
  name: [1, repeated(text), 'NFTA_DEVICE_NAME'],
  prefix: [2, repeated(text), 'NFTA_DEVICE_PREFIX'],
});

/** `number` depends on the family: NF_INET_*, NF_ARP_*, NF_NETDEV_*. */
export const nftHook = attributes('nft hook', {
  number: [1, u32be, 'NFTA_HOOK_HOOKNUM'],
  priority: [2, s32be, 'NFTA_HOOK_PRIORITY'],
  device: [3, text, 'NFTA_HOOK_DEV'],
  devices: [4, devices, 'NFTA_HOOK_DEVS'],
});

export const nftChain = attributes('nft chain', {
  table: [1, text, 'NFTA_CHAIN_TABLE'],
  name: [3, text, 'NFTA_CHAIN_NAME'],
  handle: [2, u64be, 'NFTA_CHAIN_HANDLE'],
  hook: [4, nftHook, 'NFTA_CHAIN_HOOK'],
  policy: [5, named(u32be, { drop: 0, accept: 1 }), 'NFTA_CHAIN_POLICY'],
  type: [7, text, 'NFTA_CHAIN_TYPE'],
  counters: [8, nftStateful.counter, 'NFTA_CHAIN_COUNTERS'],
  flags: [10, bits(u32be, { base: 1, offload: 2, binding: 4 }), 'NFTA_CHAIN_FLAGS'],
  use: [6, u32be, 'NFTA_CHAIN_USE'],
  id: [11, u32be, 'NFTA_CHAIN_ID'],
  userdata: [12, bytes, 'NFTA_CHAIN_USERDATA'],
});

const compatibility = attributes('nft rule compatibility', {
  protocol: [1, u32be, 'NFTA_RULE_COMPAT_PROTO'],
  flags: [2, bits(u32be, { inverted: 2 }), 'NFTA_RULE_COMPAT_FLAGS'],
});

export const nftRule = attributes('nft rule', {
  table: [1, text, 'NFTA_RULE_TABLE'],
  chain: [2, text, 'NFTA_RULE_CHAIN'],
  handle: [3, u64be, 'NFTA_RULE_HANDLE'],
  position: [6, u64be, 'NFTA_RULE_POSITION'],
  expressions: [4, listOf(1, nftExpression), 'NFTA_RULE_EXPRESSIONS'],
  compatibility: [5, compatibility, 'NFTA_RULE_COMPAT'],
  userdata: [7, bytes, 'NFTA_RULE_USERDATA'],
  id: [9, u32be, 'NFTA_RULE_ID'],
  positionId: [10, u32be, 'NFTA_RULE_POSITION_ID'],
  chainId: [11, u32be, 'NFTA_RULE_CHAIN_ID'],
});

const field = attributes('nft set field', { length: [1, u32be, 'NFTA_SET_FIELD_LEN'] });
const description = attributes('nft set description', {
  size: [1, u32be, 'NFTA_SET_DESC_SIZE'],
  fields: [2, listOf(1, field), 'NFTA_SET_DESC_CONCAT'],
});
const SET_FLAGS = {
  ...{ anonymous: 1, constant: 2, interval: 4, map: 8, timeout: 0x10, dynamic: 0x20, object: 0x40, concat: 0x80 },
  expressions: 0x100,
} as const;

/** Types are nft's own numbers, which the kernel only keeps; data of type 0xffffff00 are verdicts. Times in ms. */
export const nftSet = attributes('nft set', {
  table: [1, text, 'NFTA_SET_TABLE'],
  name: [2, text, 'NFTA_SET_NAME'],
  handle: [16, u64be, 'NFTA_SET_HANDLE'],
  flags: [3, bits(u32be, SET_FLAGS), 'NFTA_SET_FLAGS'],
  keyType: [4, u32be, 'NFTA_SET_KEY_TYPE'],
  keyLength: [5, u32be, 'NFTA_SET_KEY_LEN'],
  dataType: [6, u32be, 'NFTA_SET_DATA_TYPE'],
  dataLength: [7, u32be, 'NFTA_SET_DATA_LEN'],
  objectType: [15, nftObjectType, 'NFTA_SET_OBJ_TYPE'],
  timeout: [11, u64be, 'NFTA_SET_TIMEOUT'],
  gcInterval: [12, u32be, 'NFTA_SET_GC_INTERVAL'],
  policy: [8, named(u32be, { performance: 0, memory: 1 }), 'NFTA_SET_POLICY'],
  userdata: [13, bytes, 'NFTA_SET_USERDATA'],
  description: [9, description, 'NFTA_SET_DESC'],
  id: [10, u32be, 'NFTA_SET_ID'],
  expression: [17, nftStatefulExpression, 'NFTA_SET_EXPR'],
  expressions: [18, listOf(1, nftStatefulExpression), 'NFTA_SET_EXPRESSIONS'],
  backend: [19, text, 'NFTA_SET_TYPE'],
  count: [20, u32be, 'NFTA_SET_COUNT'],
});

/** Times in ms; `end` marks the first key behind a range, `catchall` stands for every key that is not there. */
export const nftElement = attributes('nft set element', {
  key: [1, nftData, 'NFTA_SET_ELEM_KEY'],
  keyEnd: [10, nftData, 'NFTA_SET_ELEM_KEY_END'],
  data: [2, nftData, 'NFTA_SET_ELEM_DATA'],
  expression: [7, nftStatefulExpression, 'NFTA_SET_ELEM_EXPR'],
  expressions: [11, listOf(1, nftStatefulExpression), 'NFTA_SET_ELEM_EXPRESSIONS'],
  object: [9, text, 'NFTA_SET_ELEM_OBJREF'],
  flags: [3, bits(u32be, { end: 1, catchall: 2 }), 'NFTA_SET_ELEM_FLAGS'],
  timeout: [4, u64be, 'NFTA_SET_ELEM_TIMEOUT'],
  expiration: [5, u64be, 'NFTA_SET_ELEM_EXPIRATION'],
  userdata: [6, bytes, 'NFTA_SET_ELEM_USERDATA'],
});

export const nftElements = attributes('nft set elements', {
  table: [1, text, 'NFTA_SET_ELEM_LIST_TABLE'],
  set: [2, text, 'NFTA_SET_ELEM_LIST_SET'],
  elements: [3, listOf(1, nftElement), 'NFTA_SET_ELEM_LIST_ELEMENTS'],
  setId: [4, u32be, 'NFTA_SET_ELEM_LIST_SET_ID'],
});

const flowtableHook = attributes('nft flowtable hook', {
  number: [1, u32be, 'NFTA_FLOWTABLE_HOOK_NUM'],
  priority: [2, s32be, 'NFTA_FLOWTABLE_HOOK_PRIORITY'],
  devices: [3, devices, 'NFTA_FLOWTABLE_HOOK_DEVS'],
});
export const nftFlowtable = attributes('nft flowtable', {
  table: [1, text, 'NFTA_FLOWTABLE_TABLE'],
  name: [2, text, 'NFTA_FLOWTABLE_NAME'],
  handle: [5, u64be, 'NFTA_FLOWTABLE_HANDLE'],
  use: [4, u32be, 'NFTA_FLOWTABLE_USE'],
  flags: [7, bits(u32be, { offload: 1, counter: 2 }), 'NFTA_FLOWTABLE_FLAGS'],
  hook: [3, flowtableHook, 'NFTA_FLOWTABLE_HOOK'],
});

/** Which transaction the ruleset stands at, and who made it. */
export const nftGeneration = attributes('nft generation', {
  id: [1, u32be, 'NFTA_GEN_ID'],
  processId: [2, u32be, 'NFTA_GEN_PROC_PID'],
  processName: [3, text, 'NFTA_GEN_PROC_NAME'],
});

/** NF_CT_STATE_BIT(). */
const TRACE_STATES = { invalid: 1, established: 2, related: 4, new: 8, untracked: 0x40 } as const;

/** One step of a packet marked with `meta nftrace set 1`. */
export const nftTrace = attributes('nft trace', {
  id: [6, u32be, 'NFTA_TRACE_ID'],
  type: [4, named(u32be, { policy: 1, return: 2, rule: 3 }), 'NFTA_TRACE_TYPE'],
  table: [1, text, 'NFTA_TRACE_TABLE'],
  chain: [2, text, 'NFTA_TRACE_CHAIN'],
  handle: [3, u64be, 'NFTA_TRACE_RULE_HANDLE'],
  verdict: [5, nftVerdict, 'NFTA_TRACE_VERDICT'],
  policy: [16, named(u32be, { drop: 0, accept: 1 }), 'NFTA_TRACE_POLICY'],
  nfproto: [15, u32be, 'NFTA_TRACE_NFPROTO'],
  mark: [14, u32be, 'NFTA_TRACE_MARK'],
  iif: [10, u32be, 'NFTA_TRACE_IIF'],
  iiftype: [11, u16be, 'NFTA_TRACE_IIFTYPE'],
  oif: [12, u32be, 'NFTA_TRACE_OIF'],
  oiftype: [13, u16be, 'NFTA_TRACE_OIFTYPE'],
  link: [7, bytes, 'NFTA_TRACE_LL_HEADER'],
  network: [8, bytes, 'NFTA_TRACE_NETWORK_HEADER'],
  transport: [9, bytes, 'NFTA_TRACE_TRANSPORT_HEADER'],
  /** Of the connection the packet belongs to; since Linux 6.16. */
  connectionId: [18, u32be, 'NFTA_TRACE_CT_ID'],
  connectionDirection: [19, named(u8, { original: 0, reply: 1 }), 'NFTA_TRACE_CT_DIRECTION'],
  connectionStatus: [20, connectionStatus, 'NFTA_TRACE_CT_STATUS'],
  connectionState: [21, bits(u32be, TRACE_STATES), 'NFTA_TRACE_CT_STATE'],
});
