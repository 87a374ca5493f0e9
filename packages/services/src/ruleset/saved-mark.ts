import type { Statement } from '@podwire/nft';
import { bits, MARK, setCtMark } from './expressions.ts';

/** In the connection mark: a foreign packet mark is kept here while the packet's mark is scratch. */
export const SAVED = 0x00010000;
export const KEEP_ALL = 0xffffffff;

export const saveMark: Statement = setCtMark(bits(MARK, KEEP_ALL - SAVED, SAVED));
