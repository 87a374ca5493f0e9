export { NFT_ERRORS } from './errors.ts';
export { formatTable } from './format.ts';
export type * from './model.ts';
