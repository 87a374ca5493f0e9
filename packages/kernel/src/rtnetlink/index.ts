export { ADDRESS_FLAGS, addressAttributes, ifaddrmsg, SCOPES, type Scope } from './address.ts';
export { type RtnetlinkLayout, rtnetlinkLayouts } from './layouts.ts';
export { linkAttributes, linkKinds, portKinds } from './link.ts';
export { bridgeSpec, familySpec, ifinfomsg, LINK_FLAGS, linkStatistics } from './link-attributes.ts';
export { ADDRESS_FAMILIES, type AddressFamily, RTM, RTNLGRP } from './message-type.ts';
export {
  NEIGHBOUR_EXT_FLAGS,
  NEIGHBOUR_FLAGS,
  NEIGHBOUR_STATES,
  ndmsg,
  ndtmsg,
  neighbourAttributes,
  neighbourTableAttributes,
} from './neighbour.ts';
export { nextHopObjectAttributes, nhmsg } from './nexthop.ts';
export { netconfAttributes, nsidAttributes, rtgenmsg } from './nsid.ts';
export { type MultipathHop, ROUTE_FLAGS, ROUTE_TYPES, routeAttributes, rtmsg } from './route.ts';
export { encapKinds } from './route-encap.ts';
export { fibRuleHeader, RULE_ACTIONS, ruleAttributes } from './rule.ts';
export * from './tc.ts';
