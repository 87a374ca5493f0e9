import fs from 'node:fs';
import path from 'node:path';
import { hasCode } from '@podwire/base';
import { isErrno } from '@podwire/kernel';
import { type BpfMap, createMap, openPinnedMap } from '@podwire/kernel/bpf';
import { MAPS, openKey, SERVICE } from './layout.ts';
import { unpin } from './place.ts';
import { addElements, type Elements, type EntryChange, emptyElements, PLANNED_MAPS, type PlannedMap } from './plan.ts';
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
    const [before, after] = [emptyElements(), emptyElements()];
    for (const change of changes) {
      if (change.before) addElements(before, change.before);
      if (change.after) addElements(after, change.after);
    }
    return this.#apply(difference(before, after));
  }

  /** Compares with the kernel, and mends. */
  mend(entries: readonly SocketEntry[]): number {
    return this.#apply(this.#compare(entries));
  }

  /** Forgets endpoints without open sockets that are not wanted any more; those with some are counted until they have none. */
  sweepOpen(entries: readonly SocketEntry[]): void {
    const wanted = new Set<string>();
    for (const { balance, protocol, endpoints } of entries)
      if (balance === 'least-connections')
        for (const endpoint of endpoints) wanted.add(openKey({ ...endpoint, protocol }).toString('latin1'));
    const idle = [...this.maps.open].filter(
      ([key, open]) => open.readBigUInt64LE() === 0n && !wanted.has(key.toString('latin1')),
    );
    if (idle.length) this.maps.open.deleteBatch(idle.map(([key]) => key));
  }

  drift(entries: readonly SocketEntry[]): MapDrift[] {
    const { puts, drops } = this.#compare(entries);
    return PLANNED_MAPS.map((map) => ({ map, missing: puts[map].count, strange: drops[map].count })).filter(
      ({ missing, strange }) => missing + strange > 0,
    );
  }

  close(): void {
    for (const map of Object.values(this.maps)) map.close();
  }

  #compare(entries: readonly SocketEntry[]): Difference {
    const [found, wanted] = [emptyElements(), emptyElements()];
    for (const name of PLANNED_MAPS)
      for (const [foundKey, foundValue] of this.maps[name])
        found[name].add(({ keys, key, values, value }) => {
          foundKey.copy(keys, key);
          foundValue.copy(values, value);
        });
    for (const entry of entries) addElements(wanted, entry);
    return difference(found, wanted);
  }

  /** Endpoints come before the services that use them, and go after them. */
  #apply({ puts, drops }: Difference): number {
    for (const name of PLANNED_MAPS) this.maps[name].updateBytes(puts[name].keys, puts[name].values);
    for (const name of [...PLANNED_MAPS].reverse()) {
      const { count, keySize, keys } = drops[name];
      const list = Array.from({ length: count }, (_, row) => keys.subarray(row * keySize, (row + 1) * keySize));
      if (count) this.maps[name].deleteBatch(list);
    }
    return PLANNED_MAPS.reduce((sum, name) => sum + puts[name].count + drops[name].count, 0);
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

/** Rows to write, and rows whose keys go. */
interface Difference {
  readonly puts: Elements;
  readonly drops: Elements;
}

/** Programs count in the last bytes of a service. */
const COMPARED = { endpoints: undefined, tables: undefined, services: SERVICE.next } as const;

function difference(before: Elements, after: Elements): Difference {
  const nothing = emptyElements();
  if (PLANNED_MAPS.every((name) => before[name].count === 0)) return { puts: after, drops: nothing };
  const puts = emptyElements();
  for (const name of PLANNED_MAPS) {
    const [old, now, size] = [before[name], after[name], COMPARED[name]];
    const left = new Map(Array.from({ length: old.count }, (_, row) => [old.key(row), row]));
    for (let row = 0; row < now.count; row++) {
      const key = now.key(row);
      const same = left.get(key);
      if (same === undefined || old.value(same, size) !== now.value(row, size)) puts[name].addFrom(now, row);
      left.delete(key);
    }
    for (const row of left.values()) nothing[name].addFrom(old, row);
  }
  return { puts, drops: nothing };
}
