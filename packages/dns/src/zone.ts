import { hasCode } from '@podwire/base';
import { encodeData } from './encode.ts';
import { encodeName, lowerAscii, nameKey, parentKey } from './name.ts';
import { CLASS_IN, TYPE } from './numbers.ts';
import type { ZoneRecord } from './plan.ts';

/** Records of one name and type, as bytes ready to be sent. */
export interface RecordSet {
  readonly type: number;
  readonly count: number;
  /** All records one after the other; each owner is a pointer to the question's name at offset 12. */
  readonly wire: Buffer;
  /** Bytes per record when all are equally long, else 0. */
  readonly recordSize: number;
}

export interface ZoneNode {
  /** By type; an absent type is NODATA. */
  readonly sets: ReadonlyMap<number, RecordSet>;
}

interface OwnedRecord {
  readonly source: string;
  readonly type: number;
  readonly rdata: Buffer;
}

class Node implements ZoneNode {
  /** How many names are below, plus how many sources want this one. The name goes when it falls to zero. */
  references = 0;
  records: OwnedRecord[] = [];
  sets: ReadonlyMap<number, RecordSet> = new Map();
}

export interface ZoneOptions {
  /** e.g. cluster.local */
  readonly domain: string;
  /** Of multi-cluster services, e.g. clusterset.local; absent: none are known. */
  readonly setDomain?: string;
  /** Reverse zones this zone speaks for; see reverseZones. */
  readonly reverse?: readonly string[];
  /** Seconds; of every record and every negative answer. Default 5. */
  readonly ttl?: number;
  /** First serial number; each change adds one. Default 1. */
  readonly serial?: number;
}

/** Compression pointer to offset 12, where the question's name begins. */
const OWNER_POINTER = 0xc00c;

/**
 * The authoritative data, indexed by name and kept up to date source by source: replacing what one Service brings
 * touches only that Service's names. Several sources may bring the same name; equal records are one.
 */
export class Zone {
  readonly domain: string;
  readonly setDomain: string | undefined;
  readonly ttl: number;
  /** False until everything has been loaded once; cluster names are SERVFAIL before (DNS-13). */
  ready = false;
  serial: number;
  readonly #apexes: ReadonlySet<string>;
  readonly #nodes = new Map<string, Node>();
  readonly #sources = new Map<string, readonly Entry[]>();
  readonly #soaTail: Buffer;

  constructor(options: ZoneOptions) {
    this.domain = lowerAscii(options.domain);
    this.setDomain = options.setDomain === undefined ? undefined : lowerAscii(options.setDomain);
    this.ttl = options.ttl ?? 5;
    this.serial = options.serial ?? 1;
    const set = this.setDomain === undefined ? [] : [this.setDomain];
    this.#apexes = new Set([this.domain, ...set, ...(options.reverse ?? [])].map(nameKey));
    for (const apex of this.#apexes) this.#reference(apex);
    const numbers = Buffer.alloc(20);
    [0, 7200, 1800, 86_400, this.ttl].forEach((n, i) => void numbers.writeUInt32BE(n, 4 * i));
    const names = [`ns.dns.${this.domain}`, `hostmaster.${this.domain}`].map(encodeName);
    this.#soaTail = wireRecord(TYPE.SOA, this.ttl, Buffer.concat([...names, numbers]));
  }

  /** Number of names that exist, empty ones included. */
  get size(): number {
    return this.#nodes.size;
  }

  /** Makes `records` all that `source` brings; an empty list removes it. Unchanged names are not touched. */
  replace(source: string, records: readonly ZoneRecord[]): void {
    const next = records.flatMap((record) => toEntry(record) ?? []);
    const before = this.#sources.get(source) ?? [];
    const changed = changedKeys(before, next);
    if (changed.size === 0) return;
    // first the new, then the old, so that a name which stays never goes away in between
    for (const name of changed) if (next.some((r) => r.key === name)) this.#reference(name);
    for (const name of changed) this.#rebuild(name, source, next);
    for (const name of changed) if (before.some((r) => r.key === name)) this.#release(name);
    if (next.length > 0) this.#sources.set(source, next);
    else this.#sources.delete(source);
    this.serial = (this.serial + 1) >>> 0;
  }

  find(key: string): ZoneNode | undefined {
    return this.#nodes.get(key);
  }

  /** The apex key of the zone the name is in, or undefined if it is none of ours. */
  apexOf(key: string): string | undefined {
    for (let at: string | undefined = key; at !== undefined; at = parentKey(at)) if (this.#apexes.has(at)) return at;
    return undefined;
  }

  /** The SOA record of the apex; its owner is a pointer into the question's name, `key` long in the message. */
  soa(apex: string, key: string): Buffer {
    const record = Buffer.from(this.#soaTail);
    record.writeUInt16BE(OWNER_POINTER + key.length - apex.length, 0);
    record.writeUInt32BE(this.serial, record.length - 20);
    return record;
  }

  #rebuild(key: string, source: string, next: readonly Entry[]): void {
    const node = this.#nodes.get(key);
    if (!node) return;
    const mine = next.filter((r) => r.key === key && r.type !== 0).map(({ type, rdata }) => ({ source, type, rdata }));
    node.records = [...node.records.filter((record) => record.source !== source), ...mine];
    node.sets = buildSets(node.records, this.ttl);
  }

  #reference(key: string): void {
    for (let at: string | undefined = key; at !== undefined; at = parentKey(at)) {
      const known = this.#nodes.get(at);
      const node = known ?? new Node();
      node.references++;
      if (known) return;
      this.#nodes.set(at, node);
      if (this.#apexes.has(at) || this.apexOf(at) === undefined) return;
    }
  }

  #release(key: string): void {
    for (let at: string | undefined = key; at !== undefined; at = parentKey(at)) {
      const node = this.#nodes.get(at);
      if (!node || --node.references > 0) return;
      this.#nodes.delete(at);
      if (this.apexOf(at) === undefined) return;
    }
  }
}

const EMPTY = Buffer.alloc(0);

/** A record with the owner pointer in front. */
function wireRecord(type: number, ttl: number, rdata: Buffer): Buffer {
  const head = Buffer.alloc(12);
  head.writeUInt16BE(OWNER_POINTER, 0);
  head.writeUInt16BE(type, 2);
  head.writeUInt16BE(CLASS_IN, 4);
  head.writeUInt32BE(ttl, 6);
  head.writeUInt16BE(rdata.length, 10);
  return Buffer.concat([head, rdata]);
}

function buildSets(records: readonly OwnedRecord[], ttl: number): Map<number, RecordSet> {
  const sets = new Map<number, RecordSet>();
  for (const type of new Set(records.map((record) => record.type))) {
    const sorted = records.filter((record) => record.type === type).map((record) => record.rdata);
    sorted.sort(Buffer.compare);
    const unique = sorted.filter((rdata, i) => i === 0 || !rdata.equals(sorted[i - 1] as Buffer));
    const wires = unique.map((rdata) => wireRecord(type, ttl, rdata));
    const [first] = wires;
    const even = first !== undefined && wires.every((wire) => wire.length === first.length);
    sets.set(type, { type, count: wires.length, wire: Buffer.concat(wires), recordSize: even ? first.length : 0 });
  }
  return sets;
}

interface Entry {
  readonly key: string;
  readonly type: number;
  readonly rdata: Buffer;
}

/** Undefined when a name in it is too long to be one; such a record cannot be asked for. */
function toEntry({ name, type, data }: ZoneRecord): Entry | undefined {
  try {
    return { key: nameKey(name), type, rdata: data ? encodeData(data) : EMPTY };
  } catch (error) {
    if (hasCode(error, 'DNS_BAD_NAME')) return undefined;
    throw error;
  }
}

/** The names for which the two lists differ. */
function changedKeys(before: readonly Entry[], next: readonly Entry[]): Set<string> {
  const text = (entries: readonly Entry[]) => {
    const byKey = new Map<string, string[]>();
    for (const { key, type, rdata } of entries) {
      const line = `${type}:${rdata.toString('latin1')}`;
      const list = byKey.get(key);
      if (list) list.push(line);
      else byKey.set(key, [line]);
    }
    return new Map([...byKey].map(([key, lines]) => [key, lines.sort().join('\n')]));
  };
  const [a, b] = [text(before), text(next)];
  return new Set([...a.keys(), ...b.keys()].filter((key) => a.get(key) !== b.get(key)));
}
