import { type AttributeRow, type AttributeRows, codecParts } from './attribute.ts';
import { layoutOf } from './layout.ts';
import type { NetlinkProtocol } from './netlink-socket.ts';

/** Which bytes of a message are keys, so that a trace does not show them. */

type AnyCodec = AttributeRow[1];
/** The codec of an attribute by its type. */
export type Codecs = (type: number) => AnyCodec | undefined;

/** Stands for what has no table and may be a key. */
const UNKNOWN = { name: 'unknown' } as AnyCodec;
/** Shorter ones keep no secret. */
const SHORTEST_KEY = 16;
/** The family that tells of the others. */
const GENL_ID_CTRL = 16;

/** Whether messages of the protocol may hold keys. */
export const mayHoldKeys = (protocol: NetlinkProtocol): boolean => protocol === 'xfrm' || protocol === 'generic';

/** The codecs of a message's attributes, where there may be keys; undefined: there may be, and where is not known. */
export function codecsOf(protocol: NetlinkProtocol, type: number, body: Buffer): Codecs | undefined {
  if (!mayHoldKeys(protocol)) return () => undefined;
  const layout = layoutOf(protocol, type, body);
  if (layout) return codecsIn(layout.table.rows as AttributeRows);
  if (protocol === 'xfrm') return undefined;
  return type === GENL_ID_CTRL ? () => undefined : () => UNKNOWN;
}

function codecsIn(rows: AttributeRows): Codecs {
  return (type) => Object.values(rows).find(([number]) => number === type)?.[1];
}

/** What stands in a nested attribute; the elements of a list are of one kind, whatever their type. */
export function codecsInside(codec: AnyCodec | undefined): Codecs {
  if (codec === undefined || codec === UNKNOWN) return () => codec;
  const { rows, element, item } = codecParts(codec);
  if (rows) return codecsIn(rows);
  return item ? codecsInside(item) : () => element;
}

/** Whether attributes stand in it, by its table. */
export function isNest(codec: AnyCodec | undefined): boolean {
  const { rows, element, item } = codec ? codecParts(codec) : {};
  return rows !== undefined || element !== undefined || (item !== undefined && isNest(item));
}

/** The first byte of a payload that is not to be shown. */
export function secretFrom(codec: AnyCodec | undefined, length: number): number {
  if (codec === UNKNOWN) return length < SHORTEST_KEY ? Infinity : 0;
  return codec?.secretFrom ?? Infinity;
}
