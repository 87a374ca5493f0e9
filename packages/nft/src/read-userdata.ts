import { UDATA } from './wire.ts';

/** nft's own notes on an object: type, length, value, one after another. */
function readNote(bytes: Uint8Array | undefined, type: number): Buffer | undefined {
  for (let at = 0; bytes && at + 2 <= bytes.length; at += 2 + (bytes[at + 1] ?? 0))
    if (bytes[at] === type) return Buffer.from(bytes.subarray(at + 2, at + 2 + (bytes[at + 1] ?? 0)));
  return undefined;
}

/** The comment in user data of a table, chain, rule, object or element; `type` differs for sets. */
export function readComment(bytes: Uint8Array | undefined, type: number = UDATA.comment): string | undefined {
  return readNote(bytes, type)?.toString('utf8').replace(/\0$/, '');
}

export function readFlag(bytes: Uint8Array | undefined, type: number): boolean {
  return readNote(bytes, type)?.some((byte) => byte !== 0) ?? false;
}
