export { type Address, decodeAddress } from './address.ts';
export * from './diff.ts';
export { NET_ERRORS } from './errors.ts';
export { type NetTopic, type NetWatchOptions, watchNet } from './event.ts';
export { decodeFdb, type FdbEntry } from './fdb.ts';
export type { Link, LinkSettings } from './link.ts';
export type { NewBridge, NewVeth, NewVxlan } from './link-creation.ts';
export type { VxlanParameters } from './link-kind.ts';
export type { Neighbour, NeighbourState } from './neighbour.ts';
export { type Net, openNet } from './net.ts';
export {
  MAIN_TABLE,
  normalizeRoute,
  type Route,
  type RouteChanges,
  type RouteFilter,
  type RouteResult,
  type RouteType,
} from './route.ts';
export type { Scope } from './scope.ts';
