/** Numbers of the nf_tables netlink family (linux/netfilter/nf_tables.h); the kernel's name stands beside each. */
import type { Hook, ObjectKind, TableFamily } from './model.ts';

export const NFNL_SUBSYS_NFTABLES = 10;

export const MESSAGE = {
  newTable: 0, // NFT_MSG_NEWTABLE
  getTable: 1,
  deleteTable: 2,
  newChain: 3, // NFT_MSG_NEWCHAIN
  getChain: 4,
  deleteChain: 5,
  newRule: 6, // NFT_MSG_NEWRULE
  getRule: 7,
  deleteRule: 8,
  newSet: 9, // NFT_MSG_NEWSET
  getSet: 10,
  deleteSet: 11,
  newElements: 12, // NFT_MSG_NEWSETELEM
  getElements: 13,
  deleteElements: 14,
  newGeneration: 15, // NFT_MSG_NEWGEN
  getGeneration: 16,
  newObject: 18, // NFT_MSG_NEWOBJ
  getObject: 19,
  deleteObject: 20,
  newFlowtable: 22, // NFT_MSG_NEWFLOWTABLE
  getFlowtable: 23,
  deleteFlowtable: 24,
} as const;

export const messageType = (message: number): number => (NFNL_SUBSYS_NFTABLES << 8) | message;

export const FLAG = { create: 0x400, append: 0x800, dump: 0x300 } as const; // NLM_F_CREATE, NLM_F_APPEND, NLM_F_DUMP

export const FAMILY: Readonly<Record<TableFamily, number>> = { inet: 1, ip: 2, arp: 3, netdev: 5, bridge: 7, ip6: 10 }; // NFPROTO_*

const INET_HOOKS: Readonly<Partial<Record<Hook, number>>> = {
  prerouting: 0,
  input: 1,
  forward: 2,
  output: 3,
  postrouting: 4,
  ingress: 5,
};

const ARP_HOOKS: typeof INET_HOOKS = { input: 0, output: 1 };
const NETDEV_HOOKS: typeof INET_HOOKS = { ingress: 0, egress: 1 };

function hooksOf(family: TableFamily): typeof INET_HOOKS {
  return family === 'netdev' ? NETDEV_HOOKS : family === 'arp' ? ARP_HOOKS : INET_HOOKS;
}

/** The hook's number in that family, or undefined where the family has no such hook. */
export function hookNumber(family: TableFamily, hook: Hook): number | undefined {
  if (hook === 'ingress' && family !== 'inet' && family !== 'netdev') return undefined;
  return hooksOf(family)[hook];
}

export function hookName(family: TableFamily, number: number): Hook | undefined {
  return (Object.entries(hooksOf(family)) as [Hook, number][]).find(([, n]) => n === number)?.[0];
}

export const TABLE = { name: 1, flags: 2, handle: 4, userdata: 6, owner: 7 } as const; // NFTA_TABLE_*
export const TABLE_FLAG = { dormant: 1, owner: 2 } as const; // NFT_TABLE_F_*
export const CHAIN = { table: 1, handle: 2, name: 3, hook: 4, policy: 5, type: 7, flags: 10, userdata: 12 } as const; // NFTA_CHAIN_*
export const CHAIN_FLAG = { base: 1, offload: 2, binding: 4 } as const; // NFT_CHAIN_*
export const HOOK = { number: 1, priority: 2, device: 3, devices: 4 } as const; // NFTA_HOOK_*
export const DEVICE_NAME = 1; // NFTA_DEVICE_NAME
export const OBJECT = { table: 1, name: 2, type: 3, data: 4, handle: 6, userdata: 8 } as const; // NFTA_OBJ_*
export const FLOWTABLE = { table: 1, name: 2, hook: 3, handle: 5, flags: 7 } as const; // NFTA_FLOWTABLE_*
export const FLOWTABLE_HOOK = { number: 1, priority: 2, devices: 3 } as const; // NFTA_FLOWTABLE_HOOK_*
export const FLOWTABLE_FLAG = { offload: 1, counter: 2 } as const; // NFT_FLOWTABLE_*
export const RULE = { table: 1, chain: 2, handle: 3, expressions: 4, userdata: 7 } as const; // NFTA_RULE_*
export const SET = {
  table: 1,
  name: 2,
  flags: 3,
  keyType: 4,
  keyLength: 5,
  dataType: 6,
  dataLength: 7,
  policy: 8,
  description: 9,
  id: 10,
  timeout: 11,
  gcInterval: 12,
  userdata: 13,
  objectType: 15,
  expression: 17,
  expressions: 18,
} as const; // NFTA_SET_*
export const DESCRIPTION = { size: 1, concat: 2, fieldLength: 1 } as const; // NFTA_SET_DESC_*, NFTA_SET_FIELD_LEN
export const SET_FLAG = {
  anonymous: 1,
  constant: 2,
  interval: 4,
  map: 8,
  timeout: 0x10,
  eval: 0x20,
  object: 0x40,
  concat: 0x80,
  expressions: 0x100,
} as const; // NFT_SET_*
export const ELEMENTS = { table: 1, set: 2, elements: 3, setId: 4 } as const; // NFTA_SET_ELEM_LIST_*
export const ELEMENT = {
  key: 1,
  data: 2,
  flags: 3,
  timeout: 4,
  expiration: 5,
  userdata: 6,
  expression: 7,
  object: 9,
  keyEnd: 10,
  expressions: 11,
} as const; // NFTA_SET_ELEM_*
export const INTERVAL_END = 1; // NFT_SET_ELEM_INTERVAL_END
export const CATCH_ALL = 2; // NFT_SET_ELEM_CATCHALL
export const LIST_ELEMENT = 1; // NFTA_LIST_ELEM
export const DATA = { value: 1, verdict: 2 } as const; // NFTA_DATA_*
export const VERDICT = { code: 1, chain: 2 } as const; // NFTA_VERDICT_*
export const EXPRESSION = { name: 1, data: 2 } as const; // NFTA_EXPR_*
export const VERDICT_TYPE = 0xffffff00; // NFT_DATA_VERDICT

/** NF_ACCEPT, NF_DROP, NFT_CONTINUE, NFT_RETURN, NFT_JUMP, NFT_GOTO */
export const VERDICT_CODE = { accept: 1, drop: 0, continue: -1, return: -5, jump: -3, goto: -4 } as const;

/** User data is type, length, value; nft reads these (libnftnl/udata.h). */
export const UDATA = {
  comment: 0,
  keyByteOrder: 0,
  dataByteOrder: 1,
  mergeElements: 2,
  dataInterval: 6,
  setComment: 7,
  elementFlags: 1,
} as const;
export const BYTE_ORDER = { none: 0, host: 1, big: 2 } as const;

/** NFT_OBJECT_* */
export const OBJECT_TYPE: Readonly<Record<ObjectKind, number>> = {
  counter: 1,
  quota: 2,
  'ct helper': 3,
  limit: 4,
  'ct timeout': 7,
  secmark: 8,
  'ct expectation': 9,
  synproxy: 10,
};
