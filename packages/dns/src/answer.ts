import { encodeName } from './name.ts';
import { RCODE, TYPE } from './numbers.ts';
import type { RecordSet, Zone, ZoneNode } from './zone.ts';

/** What the zone says to a question. Records are bytes whose owners point into the question's name or are written out. */
export interface ZoneAnswer {
  readonly rcode: number;
  readonly answer: readonly Records[];
  readonly authority: Records | undefined;
  readonly additional: readonly Records[];
  /** The answer ends in a CNAME to this name outside of the zone; what it resolves to belongs behind it. */
  readonly chase: string | undefined;
}

export interface Records {
  readonly count: number;
  readonly wire: Buffer;
  /** As in RecordSet; records of one size may be sent in any order. */
  readonly recordSize: number;
}

const MAX_CHAIN = 8;
const NOTHING = { authority: undefined, additional: [], chase: undefined } as const;

/** Answers from the zone; undefined when the name is none of the zone's business. Pure: same zone, same answer. */
export function answerFromZone(zone: Zone, key: string, type: number): ZoneAnswer | undefined {
  const node = zone.find(key);
  const apex = zone.apexOf(key);
  if (!node && apex === undefined) return undefined;
  if (!zone.ready) return { ...NOTHING, rcode: RCODE.SERVFAIL, answer: [] };
  if (!node) return negative(zone, key, apex, RCODE.NXDOMAIN);
  if (type === TYPE.ANY) return { ...NOTHING, rcode: RCODE.NOERROR, answer: [shortAnswer(zone.ttl)] };
  if (type === TYPE.SOA && key === apex)
    return { ...NOTHING, rcode: RCODE.NOERROR, answer: [single(zone.soa(apex, key))] };
  const set = node.sets.get(type);
  if (set)
    return { ...NOTHING, rcode: RCODE.NOERROR, answer: [set], additional: type === TYPE.SRV ? glue(zone, set) : [] };
  const alias = node.sets.get(TYPE.CNAME);
  return alias ? chase(zone, alias, type) : negative(zone, key, apex, RCODE.NOERROR);
}

function single(wire: Buffer): Records {
  return { count: 1, wire, recordSize: 0 };
}

function negative(zone: Zone, key: string, apex: string | undefined, rcode: number): ZoneAnswer {
  return { ...NOTHING, rcode, answer: [], authority: apex === undefined ? undefined : single(zone.soa(apex, key)) };
}

/** RFC 8482: a question for everything is answered with one HINFO record. */
function shortAnswer(ttl: number): Records {
  const rdata = Buffer.from('\x07RFC8482\x00', 'latin1');
  const head = Buffer.from([0xc0, 0x0c, 0, TYPE.HINFO, 0, 1, 0, 0, 0, Math.min(ttl, 255), 0, rdata.length]);
  return single(Buffer.concat([head, rdata]));
}

/** Names as they stand in rdata of CNAME and SRV records: uncompressed, lower case. */
function targetsOf(set: RecordSet): Buffer[] {
  const prefix = set.type === TYPE.SRV ? 6 : 0;
  const targets: Buffer[] = [];
  for (let at = 0; at < set.wire.length; ) {
    const end = at + 12 + set.wire.readUInt16BE(at + 10);
    targets.push(set.wire.subarray(at + 12 + prefix, end));
    at = end;
  }
  return targets;
}

/** The records of a set with the owner written out in place of the pointer to the question. */
function withOwner(set: RecordSet, owner: Buffer): Records {
  const parts: Buffer[] = [];
  for (let at = 0; at < set.wire.length; ) {
    const end = at + 12 + set.wire.readUInt16BE(at + 10);
    parts.push(owner, set.wire.subarray(at + 2, end));
    at = end;
  }
  return { count: set.count, wire: Buffer.concat(parts), recordSize: 0 };
}

function keyOf(wire: Buffer): string {
  return wire.toString('latin1', 0, wire.length - 1);
}

/** Addresses of the targets of SRV records, so that the client need not ask again (RFC 2782). */
function glue(zone: Zone, set: RecordSet): Records[] {
  const targets = new Map(targetsOf(set).map((wire) => [keyOf(wire), wire]));
  return [...targets].flatMap(([key, wire]) => {
    const sets = zone.find(key)?.sets;
    return [sets?.get(TYPE.A), sets?.get(TYPE.AAAA)].flatMap((addresses) =>
      addresses ? [withOwner(addresses, wire)] : [],
    );
  });
}

/** Follows an ExternalName: inside the zone here, outside of it by `chase`, for which the caller asks upstream. */
function chase(zone: Zone, first: RecordSet, type: number): ZoneAnswer {
  const answer: Records[] = [first];
  let set = first;
  for (let hop = 0; hop < MAX_CHAIN; hop++) {
    const target = targetsOf(set)[0] as Buffer;
    const key = keyOf(target);
    const node: ZoneNode | undefined = zone.find(key);
    const wanted = node?.sets.get(type);
    if (wanted) return { ...NOTHING, rcode: RCODE.NOERROR, answer: [...answer, withOwner(wanted, target)] };
    const next = node?.sets.get(TYPE.CNAME);
    if (!next) return endOfChain(zone, answer, key, node !== undefined);
    answer.push(withOwner(next, target));
    set = next;
  }
  return { ...NOTHING, rcode: RCODE.SERVFAIL, answer: [] };
}

function endOfChain(zone: Zone, answer: readonly Records[], key: string, exists: boolean): ZoneAnswer {
  const apex = zone.apexOf(key);
  if (apex === undefined && !exists) return { ...NOTHING, rcode: RCODE.NOERROR, answer, chase: textOf(key) };
  const rcode = exists ? RCODE.NOERROR : RCODE.NXDOMAIN;
  if (apex === undefined) return { ...NOTHING, rcode, answer };
  // the name whose absence this proves is not the question's, so the owner is written out
  const soa = zone.soa(apex, apex).subarray(2);
  return { ...NOTHING, rcode, answer, authority: single(Buffer.concat([encodeName(textOf(apex)), soa])) };
}

/** Keys of records made from API objects hold host names only, so no escapes are needed. */
function textOf(key: string): string {
  const labels: string[] = [];
  for (let at = 0; at < key.length; at += key.charCodeAt(at) + 1)
    labels.push(key.slice(at + 1, at + 1 + key.charCodeAt(at)));
  return labels.join('.');
}
