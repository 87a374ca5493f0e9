export type { Scope } from '@podwire/kernel/rtnetlink';
export { type Address, type AddressResult, type AddressState, decodeAddress } from './address.ts';
export { type Difference, diffAddresses, diffFdb, diffNeighbours, diffRules } from './diff.ts';
export type { Encap } from './encap.ts';
export { NET_ERRORS } from './errors.ts';
export { type NetEvent, type NetEventOptions, type NetTopic, type NetWatchOptions, watchNet } from './event.ts';
export { decodeFdb, type FdbEntry, type FdbResult } from './fdb.ts';
export type { AddressGeneration, Link, LinkProperties } from './link.ts';
export type { LinkPeer, LinkSpec, NewBridge, NewVeth, NewVxlan } from './link-creation.ts';
export { diffLinks, type LinkDifference, type LinkOwnership, type LinkResult } from './link-diff.ts';
export type { BridgeParameters, BridgePort, KindSettings, LinkKind, VxlanParameters } from './link-kind.ts';
export type { LinkSettings } from './link-settings.ts';
export type { Neighbour, NeighbourResult, NeighbourState } from './neighbour.ts';
export { type Net, openNet } from './net.ts';
export { applyNet, failuresOf, type NetResults } from './net-apply.ts';
export { isEmptyPlan, type NetPlan, planNet } from './net-plan.ts';
export { type DesiredNet, type NetOwnership, type ObservedNet, observeNet } from './net-state.ts';
export type { NextHop } from './next-hop.ts';
export type { NextHopFilter, NextHopObject, NextHopResult } from './nexthop-object.ts';
export type { ItemResult } from './noun.ts';
export {
  MAIN_TABLE,
  normalizeRoute,
  type Route,
  type RouteChanges,
  type RouteFilter,
  type RouteResult,
  type RouteType,
} from './route.ts';
export { diffNextHops, diffRoutes } from './route-diff.ts';
export type { RouteQuery } from './route-lookup.ts';
export type { RouteMetrics } from './route-metrics.ts';
export { normalizeRule, type Range, type Rule, type RuleAction, type RuleFilter } from './rule.ts';
export type { RuleResult } from './rule-batch.ts';
export { diffSysctls, type SysctlChange, type SysctlResult, type Sysctls } from './sysctl.ts';
