export type { Command } from './change.ts';
export { NftChange } from './change.ts';
export type { ElementChange } from './committed-table.ts';
export { replyTo } from './connection-table.ts';
export { diffTables } from './drift.ts';
export { NFT_ERRORS } from './errors.ts';
export { formatTable } from './format.ts';
export { interpret } from './interpret.ts';
export type * from './model.ts';
export { type Nft, openNft } from './nft.ts';
export type * from './observation.ts';
export { type Choose, possibilities } from './possibility.ts';
export { RulesetState } from './ruleset-state.ts';
export { type RulesetWatch, watchRuleset, writingByChild } from './ruleset-watch.ts';
export {
  type Passage,
  type PassageStep,
  VirtualHost,
  type VirtualHostOptions,
  type VirtualRoute,
} from './virtual-host.ts';
export type * from './virtual-packet.ts';
