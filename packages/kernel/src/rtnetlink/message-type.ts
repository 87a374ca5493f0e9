import { named, u8 } from '../netlink/codec.ts';

/** RTM_* of linux/rtnetlink.h: what an rtnetlink message is about; rtnetlink(7). Traffic control has its own. */
export const RTM = {
  NEWLINK: 16,
  DELLINK: 17,
  GETLINK: 18,
  SETLINK: 19,
  NEWADDR: 20,
  DELADDR: 21,
  GETADDR: 22,
  NEWROUTE: 24,
  DELROUTE: 25,
  GETROUTE: 26,
  NEWNEIGH: 28,
  DELNEIGH: 29,
  GETNEIGH: 30,
  NEWRULE: 32,
  DELRULE: 33,
  GETRULE: 34,
  NEWNEIGHTBL: 64,
  GETNEIGHTBL: 66,
  SETNEIGHTBL: 67,
  NEWNETCONF: 80,
  DELNETCONF: 81,
  GETNETCONF: 82,
  NEWNSID: 88,
  DELNSID: 89,
  GETNSID: 90,
  NEWNEXTHOP: 104,
  DELNEXTHOP: 105,
  GETNEXTHOP: 106,
  NEWLINKPROP: 108,
  DELLINKPROP: 109,
  GETLINKPROP: 110,
} as const;

/** RTNLGRP_* of linux/rtnetlink.h: the multicast groups that tell of changes. */
export const RTNLGRP = {
  LINK: 1,
  NOTIFY: 2,
  NEIGH: 3,
  TC: 4,
  IPV4_IFADDR: 5,
  IPV4_ROUTE: 7,
  IPV4_RULE: 8,
  IPV6_IFADDR: 9,
  IPV6_ROUTE: 11,
  IPV6_IFINFO: 12,
  IPV6_PREFIX: 18,
  IPV6_RULE: 19,
  IPV4_NETCONF: 24,
  IPV6_NETCONF: 25,
  MDB: 26,
  MPLS_ROUTE: 27,
  NSID: 28,
  NEXTHOP: 32,
  BRVLAN: 33,
  TUNNEL: 35,
} as const;

/** Address families as rtnetlink uses them (AF_*, RTNL_FAMILY_*). */
export const ADDRESS_FAMILIES = { unspec: 0, ipv4: 2, bridge: 7, ipv6: 10, mpls: 28, ipmr: 128, ip6mr: 129 } as const;
export type AddressFamily = keyof typeof ADDRESS_FAMILIES;

/** The first byte of every rtnetlink header. */
export const addressFamily = named(u8, ADDRESS_FAMILIES);
