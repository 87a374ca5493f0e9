import { attributes } from '../netlink/attribute.ts';
import { s32, struct, u32 } from '../netlink/codec.ts';
import { addressFamily } from './message-type.ts';

/** The header of messages that need no more than a family. */
export const rtgenmsg = struct('rtgenmsg', { family: addressFamily });

/** NETNSA_* of linux/net_namespace.h: numbers by which a namespace knows others; ip-netns(8) "set". */
export const nsidAttributes = attributes('namespace id', {
  /** -1: none, or to be chosen by the kernel. */
  nsid: [1, s32, 'NETNSA_NSID'],
  pid: [2, u32, 'NETNSA_PID'],
  fd: [3, u32, 'NETNSA_FD'],
  targetNsid: [4, s32, 'NETNSA_TARGET_NSID'],
  currentNsid: [5, s32, 'NETNSA_CURRENT_NSID'],
});

/** NETCONFA_* of linux/netconf.h: forwarding settings of a link or, by index -1 and -2, of all and new ones. */
export const netconfAttributes = attributes('forwarding settings', {
  index: [1, s32, 'NETCONFA_IFINDEX'],
  forwarding: [2, s32, 'NETCONFA_FORWARDING'],
  reversePathFilter: [3, s32, 'NETCONFA_RP_FILTER'],
  multicastForwarding: [4, s32, 'NETCONFA_MC_FORWARDING'],
  proxyNeighbour: [5, s32, 'NETCONFA_PROXY_NEIGH'],
  ignoreRoutesWithLinkDown: [6, s32, 'NETCONFA_IGNORE_ROUTES_WITH_LINKDOWN'],
  input: [7, s32, 'NETCONFA_INPUT'],
  broadcastForwarding: [8, s32, 'NETCONFA_BC_FORWARDING'],
});
