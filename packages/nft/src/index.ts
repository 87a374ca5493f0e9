export type { Command } from './change.ts';
export { NftChange } from './change.ts';
export { diffTables } from './diff.ts';
export { NFT_ERRORS } from './errors.ts';
export { formatTable } from './format.ts';
export type * from './model.ts';
export { type Nft, openNft } from './nft.ts';
