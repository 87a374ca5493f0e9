import { attributes } from '../netlink/attribute.ts';
import { bits, ip, named, s32, struct, text, u8, u32 } from '../netlink/codec.ts';
import { growing } from './layout-codec.ts';
import { addressFamily } from './message-type.ts';

/** RT_SCOPE_* of linux/rtnetlink.h: how far an address or route is valid; ip-address(8). */
export const SCOPES = { global: 0, site: 200, link: 253, host: 254, nowhere: 255 } as const;
export type Scope = keyof typeof SCOPES;
export const scope = named(u8, SCOPES);

/** IFA_F_* of linux/if_addr.h. 1 means temporary for IPv6. */
export const ADDRESS_FLAGS = {
  secondary: 1,
  noDad: 2,
  optimistic: 4,
  dadFailed: 8,
  home: 0x10,
  deprecated: 0x20,
  tentative: 0x40,
  permanent: 0x80,
  manageTemporary: 0x100,
  noPrefixRoute: 0x200,
  multicastAutoJoin: 0x400,
  stablePrivacy: 0x800,
} as const;

/** The header of address messages. `flags` holds the low eight bits of IFA_FLAGS. */
export const ifaddrmsg = struct('ifaddrmsg', {
  family: addressFamily,
  prefixLength: u8,
  flags: bits(u8, ADDRESS_FLAGS),
  scope,
  index: u32,
});

/** struct ifa_cacheinfo: lifetimes in seconds (0xffffffff for ever), times of day in hundredths since boot. */
const addressLifetimes = struct('ifa_cacheinfo', { preferred: u32, valid: u32, created: u32, updated: u32 });

/** IFA_* of linux/if_addr.h. */
export const addressAttributes = attributes('address', {
  /** Of the other end on point-to-point links, else as `local`. */
  address: [1, ip, 'IFA_ADDRESS'],
  local: [2, ip, 'IFA_LOCAL'],
  label: [3, text, 'IFA_LABEL'],
  broadcast: [4, ip, 'IFA_BROADCAST'],
  anycast: [5, ip, 'IFA_ANYCAST'],
  lifetimes: [6, growing(addressLifetimes), 'IFA_CACHEINFO'],
  multicast: [7, ip, 'IFA_MULTICAST'],
  flags: [8, bits(u32, ADDRESS_FLAGS), 'IFA_FLAGS'],
  routePriority: [9, u32, 'IFA_RT_PRIORITY'],
  targetNetnsId: [10, s32, 'IFA_TARGET_NETNSID'],
  /** Who made it: 1 loopback, 2 router advertisement, 3 link-local, else one's own; Linux 5.18. */
  protocol: [11, u8, 'IFA_PROTO'],
});
