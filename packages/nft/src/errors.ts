import { type ErrorCodeTable, PodwireError } from '@podwire/base';

export const NFT_ERRORS = {
  NFT_BAD_NAME: 'a table, chain or set name is not an nft identifier',
  NFT_BAD_VALUE: 'a value does not fit the data type it is used with',
  NFT_BAD_RULESET:
    'the ruleset contradicts itself: unknown set or chain, wrong number of key parts, too many registers',
  NFT_NOT_APPLIED: 'elements of a table were to be changed that was not applied before',
  NFT_REFUSED: 'the kernel refused a transaction; nothing of it is in force',
} as const satisfies ErrorCodeTable;

export type NftErrorCode = keyof typeof NFT_ERRORS;

export function nftError(code: NftErrorCode, message: string, cause?: unknown): PodwireError {
  return new PodwireError(code, message, cause === undefined ? {} : { cause });
}
