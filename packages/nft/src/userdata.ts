import { TYPES, type ValueType } from './data-type.ts';
import type { SetShape } from './encode-set.ts';
import { cleanComment, commentOf } from './name.ts';
import { BYTE_ORDER, UDATA } from './wire.ts';

/** One attribute of nft's own notes on an object, which the kernel stores unread: type, length, value. */
function udata(type: number, value: Uint8Array): Buffer {
  return Buffer.from([type, value.length, ...value]);
}

const u32 = (n: number): Buffer => Buffer.from([n & 255, (n >> 8) & 255, (n >> 16) & 255, (n >> 24) & 255]);

const orderOf = (types: readonly ValueType[] | undefined): number =>
  types?.length === 1 ? BYTE_ORDER[TYPES[types[0] as ValueType].order] : BYTE_ORDER.none;

export function commentUserdata(comment: string, type: number = UDATA.comment): Buffer {
  return udata(type, Buffer.from(`${cleanComment(comment)}\0`));
}

/** nft needs the byte order to list a set as it was written. */
export function setUserdata(set: Pick<SetShape, 'key' | 'data' | 'comment' | 'autoMerge' | 'dataInterval'>): Buffer {
  const data = set.data === 'verdict' ? undefined : set.data;
  return Buffer.concat([
    udata(UDATA.keyByteOrder, u32(orderOf(set.key))),
    ...(data ? [udata(UDATA.dataByteOrder, u32(orderOf(data)))] : []),
    ...(set.autoMerge ? [udata(UDATA.mergeElements, u32(1))] : []),
    ...(set.dataInterval ? [udata(UDATA.dataInterval, u32(1))] : []),
    ...(commentOf(set.comment) === undefined ? [] : [commentUserdata(set.comment ?? '', UDATA.setComment)]),
  ]);
}

export function elementUserdata(comment: string | undefined, openEnded: boolean): Buffer | undefined {
  if (commentOf(comment) === undefined && !openEnded) return undefined;
  return Buffer.concat([
    ...(commentOf(comment) === undefined ? [] : [commentUserdata(comment ?? '')]),
    ...(openEnded ? [udata(UDATA.elementFlags, u32(1))] : []),
  ]);
}
