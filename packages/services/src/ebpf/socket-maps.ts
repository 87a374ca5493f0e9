import fs from 'node:fs';
import path from 'node:path';
import { hasCode } from '@podwire/base';
import { isErrno } from '@podwire/kernel';
import { type BpfMap, createMap, openPinnedMap } from '@podwire/kernel/bpf';
import { MAPS } from './layout.ts';
import { unpin } from './place.ts';
import { type Elements, type EntryChange, elementsOf, PLANNED_MAPS, type PlannedMap } from './plan.ts';
import type { SocketEntry } from './socket-entry.ts';

type MapName = keyof typeof MAPS;
type Bytes = BpfMap<Buffer, Buffer>;

/** Where the kernel differs from what it should have, in numbers of elements. */
export interface MapDrift {
  readonly map: PlannedMap;
  readonly missing: number;
  readonly strange: number;
}

/** The maps of the mode: pinned ones that fit are taken over with all they hold, others are made. */
export class SocketMaps {
  readonly maps: Readonly<Record<MapName, Bytes>>;

  constructor(pins: string | undefined) {
    if (pins !== undefined) fs.mkdirSync(pins, { recursive: true });
    const maps: Partial<Record<MapName, Bytes>> = {};
    try {
      for (const name of Object.keys(MAPS) as MapName[]) maps[name] = openMap(name, pins && path.join(pins, name));
    } catch (error) {
      for (const map of Object.values(maps)) map.close();
      throw error;
    }
    this.maps = maps as Record<MapName, Bytes>;
  }

  /** Writes what the changes take; returns the number of elements. */
  write(changes: readonly EntryChange[]): number {
    const puts = collection();
    const drops = collection();
    for (const { before, after } of changes) collect(before, after, { puts, drops });
    return this.#apply(puts, drops);
  }

  /** Compares with the kernel, and mends. */
  mend(entries: readonly SocketEntry[]): number {
    const { puts, drops } = this.#compare(entries);
    return this.#apply(puts, drops);
  }

  drift(entries: readonly SocketEntry[]): MapDrift[] {
    const { puts, drops } = this.#compare(entries);
    return PLANNED_MAPS.map((map) => ({ map, missing: puts[map].length, strange: drops[map].length })).filter(
      ({ missing, strange }) => missing + strange > 0,
    );
  }

  close(): void {
    for (const map of Object.values(this.maps)) map.close();
  }

  #compare(entries: readonly SocketEntry[]): { puts: Collection; drops: Collection } {
    const [puts, drops] = [collection(), collection()];
    const wanted = entries.map(elementsOf);
    for (const name of PLANNED_MAPS) {
      const found = new Map([...this.maps[name]].map(([key, value]) => [text(key), comparable(name, value)]));
      for (const elements of wanted)
        for (const [key, value] of elements[name]) {
          if (found.get(text(key)) !== comparable(name, value)) puts[name].push([key, value]);
          found.delete(text(key));
        }
      for (const key of found.keys()) drops[name].push([Buffer.from(key, 'latin1'), Buffer.alloc(0)]);
    }
    return { puts, drops };
  }

  /** Endpoints come before the services that use them, and go after them. */
  #apply(puts: Collection, drops: Collection): number {
    for (const name of PLANNED_MAPS) if (puts[name].length) this.maps[name].updateBatch(puts[name]);
    for (const name of [...PLANNED_MAPS].reverse())
      if (drops[name].length) this.maps[name].deleteBatch(drops[name].map(([key]) => key));
    return PLANNED_MAPS.reduce((sum, name) => sum + puts[name].length + drops[name].length, 0);
  }
}

function openMap(name: MapName, pin: string | undefined): Bytes {
  if (pin === undefined) return createMap(MAPS[name]);
  try {
    return openPinnedMap(pin, MAPS[name]);
  } catch (error) {
    // another version's: the programs go over to the new map when it is full
    if (hasCode(error, 'KERNEL_ENCODE')) unpin(pin);
    else if (!isErrno(error, 'ENOENT')) throw error;
  }
  const map = createMap(MAPS[name]);
  map.pin(pin);
  return map;
}

type Collection = Record<PlannedMap, [Buffer, Buffer][]>;
const collection = (): Collection => ({ endpoints: [], tables: [], services: [] });
const text = (bytes: Buffer): string => bytes.toString('latin1');

/** Without the number that programs count up. */
function comparable(name: PlannedMap, value: Buffer): string {
  return text(name === 'services' ? value.subarray(0, 12) : value);
}

const NOTHING: Elements = { services: [], endpoints: [], tables: [] };

function collect(
  before: SocketEntry | undefined,
  after: SocketEntry | undefined,
  { puts, drops }: { readonly puts: Collection; readonly drops: Collection },
): void {
  const [old, now] = [before, after].map((entry) => (entry ? elementsOf(entry) : NOTHING));
  for (const name of PLANNED_MAPS) {
    const left = new Map((old ?? NOTHING)[name].map(([key, value]) => [text(key), value]));
    for (const [key, value] of (now ?? NOTHING)[name]) {
      if (!left.get(text(key))?.equals(value)) puts[name].push([key, value]);
      left.delete(text(key));
    }
    for (const key of left.keys()) drops[name].push([Buffer.from(key, 'latin1'), Buffer.alloc(0)]);
  }
}
