export {
  getLinkFeatures,
  getLinkRings,
  getLinkState,
  type LinkFeature,
  type LinkRings,
  setLinkFeatures,
  setLinkRings,
} from './ethtool.ts';
export { decodeGeneric, type GenericFamily, type GenericRequest, openGenericFamily } from './generic-family.ts';
export { genericLayouts } from './generic-layouts.ts';
export * from './ipvs.ts';
export * from './wireguard.ts';
export type { WireguardEndpoint } from './wireguard-table.ts';
