import { choose } from '../choice.ts';
import { errnoOf } from '../errno.ts';
import { encodeError } from '../errors.ts';
import { bpf, bpfError, tryBpf } from './bpf-call.ts';
import { BATCH, BPF, ELEMENT } from './bpf-command.ts';
import { BpfObject, idsOf, openPin } from './bpf-object.ts';
import { type Element, elementOf, encodeAll, type Layout, type LayoutValue, perCpu, possibleCpus } from './element.ts';
import { deleteBatch, readBatches, updateBatch, updateBytes, writeError } from './map-batch.ts';
import { createMapFd, type MapSpec } from './map-spec.ts';
import { isPerCpu, type MapType, type PerCpuMapType } from './map-type.ts';
import { decodeMapInfo, type MapInfo, readInfo } from './object-info.ts';

/** `any`: make or replace; `noexist`: only make; `exist`: only replace. */
export type UpdateMode = 'any' | 'noexist' | 'exist';
const MODES = { any: 0, noexist: 1, exist: 2 } as const;

const [ENOENT, EEXIST] = ['ENOENT', 'EEXIST'].map((name) => -errnoOf(name));

/**
 * A BPF map: keys and values of fixed size in the kernel, shared with programs. Every call is one system call (about a
 * microsecond) unless it says batch. Errors: KernelError; KERNEL_ENCODE for keys and values that do not fit;
 * KERNEL_CLOSED after close().
 */
export class BpfMap<K, V> extends BpfObject {
  readonly label: string;
  readonly type: MapType;
  readonly name: string;
  readonly maxEntries: number;
  /** How keys and values are laid out; of per-CPU maps the values of all CPUs. */
  readonly key: Element<K>;
  readonly value: Element<V>;

  constructor(fd: number, spec: MapSpec, layout: { readonly key: Element<K>; readonly value: Element<V> }) {
    super(fd);
    this.type = spec.type;
    this.name = spec.name ?? '';
    this.label = `map ${this.name || `of type ${spec.type}`}`;
    this.maxEntries = spec.maxEntries;
    this.key = layout.key;
    this.value = layout.value;
  }

  /** The value under a key; undefined when there is none. */
  lookup(key: K): V | undefined {
    return this.#read(ELEMENT.LOOKUP, key, 'look up');
  }

  /** As `lookup`, and the element is removed in the same step; hash tables since Linux 5.14, queues and stacks. */
  lookupAndDelete(key: K): V | undefined {
    return this.#read(ELEMENT.LOOKUP_AND_DELETE, key, 'take');
  }

  #read(command: typeof ELEMENT.LOOKUP | typeof ELEMENT.LOOKUP_AND_DELETE, key: K, verb: string): V | undefined {
    const value = Buffer.allocUnsafe(this.value.size);
    const result = tryBpf(command, { mapFd: this.fd, key: encodeAll(this.key, [key]), value });
    if (result === ENOENT) return undefined;
    if (result < 0) throw bpfError(`${verb} an element of BPF ${this.label}`, -result);
    return this.value.read(value);
  }

  /** Whether it was written: false when the mode forbids it. Throws E2BIG when the map is full. */
  update(key: K, value: V, mode: UpdateMode = 'any'): boolean {
    return this.#write(key, value, mode);
  }

  /** `index`: how many elements were written before, for the error. */
  #write(key: K, value: V, mode: UpdateMode, index?: number): boolean {
    const [keyBytes, valueBytes] = [encodeAll(this.key, [key]), encodeAll(this.value, [value])];
    const values = { mapFd: this.fd, key: keyBytes, value: valueBytes, flags: choose(MODES, mode, 'a mode of update') };
    const result = tryBpf(ELEMENT.UPDATE, values);
    if ((mode === 'noexist' && result === EEXIST) || (mode === 'exist' && result === ENOENT)) return false;
    if (result < 0) throw writeError(`update an element of BPF ${this.label}`, result, index);
    return true;
  }

  /** Whether it was there. Elements of arrays cannot be deleted (EINVAL). */
  delete(key: K): boolean {
    const result = tryBpf(ELEMENT.DELETE, { mapFd: this.fd, key: encodeAll(this.key, [key]) });
    if (result === ENOENT) return false;
    if (result < 0) throw writeError(`delete an element of BPF ${this.label}`, result);
    return true;
  }

  /** The key after this one in the kernel's order; without a key (or with one that is gone) the first. */
  nextKey(key?: K): K | undefined {
    const nextKey = Buffer.allocUnsafe(this.key.size);
    const values = { mapFd: this.fd, key: key === undefined ? undefined : encodeAll(this.key, [key]), nextKey };
    const result = tryBpf(BPF.MAP_GET_NEXT_KEY, values);
    if (result === ENOENT) return undefined;
    if (result < 0) throw bpfError(`walk BPF ${this.label}`, -result);
    return this.key.read(nextKey);
  }

  /**
   * All elements: in batches where the kernel can, else key by key. What others write or delete meanwhile may or may
   * not be seen; what is there all the time is seen. Deleting the element one has got is fine.
   */
  *entries(): Generator<[K, V]> {
    const batches = readBatches(this);
    let next = batches.next();
    for (; !next.done; next = batches.next()) yield* next.value;
    if (next.value) return;
    for (const key of this.#walk()) {
      const value = this.lookup(key);
      if (value !== undefined) yield [key, value];
    }
  }

  [Symbol.iterator](): Generator<[K, V]> {
    return this.entries();
  }

  *keys(): Generator<K> {
    for (const [key] of this.entries()) yield key;
  }

  /** When a key goes away during the walk the kernel begins anew, so the walk ends after as many as there can be. */
  *#walk(): Generator<K> {
    let key = this.nextKey();
    for (let seen = 0; key !== undefined && seen < this.maxEntries; seen++) {
      const next = this.nextKey(key);
      yield key;
      key = next;
    }
  }

  /** Writes many elements, 16,384 with one system call. On error `index` says how many were written. */
  updateBatch(entries: Iterable<readonly [K, V]>): void {
    const list = Array.isArray(entries) ? (entries as readonly (readonly [K, V])[]) : [...entries];
    if (updateBatch(this, list)) return;
    for (const [index, [key, value]] of list.entries()) this.#write(key, value, 'any', index);
  }

  /**
   * Writes many elements whose keys and values are encoded already and lie one behind the other; for tens of thousands at
   * a time. Throws KERNEL_ENCODE when the lengths do not fit.
   */
  updateBytes(keys: Uint8Array, values: Uint8Array): void {
    const count = keys.length / this.key.size;
    if (!Number.isInteger(count) || values.length !== count * this.value.size)
      throw encodeError(`${keys.length} bytes of keys with ${values.length} bytes of values for BPF ${this.label}`);
    if (updateBytes(this, { keys, values, count })) return;
    const part = (bytes: Uint8Array, size: number, i: number) => Buffer.from(bytes.subarray(i * size, (i + 1) * size));
    for (let i = 0; i < count; i++) {
      const [key, value] = [part(keys, this.key.size, i), part(values, this.value.size, i)];
      this.#write(this.key.read(key), this.value.read(value), 'any', i);
    }
  }

  /** Deletes many elements and returns how many were there. */
  deleteBatch(keys: Iterable<K>): number {
    const list = [...keys];
    return deleteBatch(this, list) ?? list.filter((key) => this.delete(key)).length;
  }

  /** Takes all elements out; what programs add meanwhile stays or is taken, and never gets lost. */
  drain(): [K, V][] {
    const taken: [K, V][] = [];
    const batches = readBatches(this, BATCH.LOOKUP_AND_DELETE);
    let next = batches.next();
    for (; !next.done; next = batches.next()) for (const entry of next.value) taken.push(entry);
    if (next.value) return taken;
    for (const key of this.#walk()) {
      const value = this.lookupAndDelete(key);
      if (value !== undefined) taken.push([key, value]);
    }
    return taken;
  }

  /** From now on only programs can write to the map; for good. */
  freeze(): void {
    bpf(BPF.MAP_FREEZE, { mapFd: this.fd }, () => `freeze BPF ${this.label}`);
  }

  info(): MapInfo {
    return decodeMapInfo(readInfo(this.fd, this.label));
  }
}

/** What the values of a map are: per-CPU maps have one for each possible CPU. */
type MapValue<T extends MapType, V extends Layout> = T extends PerCpuMapType
  ? readonly LayoutValue<V>[]
  : LayoutValue<V>;

type MapOf<T extends MapType, K extends Layout, V extends Layout> = BpfMap<LayoutValue<K>, MapValue<T, V>>;

/**
 * Makes a map; it goes away with its last descriptor, pin and program. Throws KERNEL_ENCODE for a name or sizes that
 * this type of map cannot have.
 */
export function createMap<const T extends MapType, K extends Layout, V extends Layout>(
  spec: MapSpec<T, K, V>,
): MapOf<T, K, V> {
  const [key, value] = [elementOf(spec.key, 'key'), elementOf(spec.value, 'value')];
  return wrap(createMapFd(spec, key.size, value.size), spec);
}

function wrap<T extends MapType, K extends Layout, V extends Layout>(
  fd: number,
  spec: MapSpec<T, K, V>,
): MapOf<T, K, V> {
  const value = elementOf(spec.value, 'value');
  const layout = {
    key: elementOf(spec.key, 'key'),
    value: isPerCpu(spec.type) ? perCpu(value, possibleCpus()) : value,
  };
  return new BpfMap(fd, spec, layout as { key: Element<LayoutValue<K>>; value: Element<MapValue<T, V>> });
}

/** What a map that exists is expected to be. */
export type MapExpectation<T extends MapType, K extends Layout, V extends Layout> = Pick<
  MapSpec<T, K, V>,
  'type' | 'key' | 'value'
>;

/** Opens a map by its pin. Throws KERNEL_ENCODE when type or sizes differ from what is expected. */
export function openPinnedMap<const T extends MapType, K extends Layout, V extends Layout>(
  path: string,
  expected: MapExpectation<T, K, V>,
): MapOf<T, K, V> {
  return adopt(openPin(path, 'map'), expected);
}

/** Opens a map by its number (`MapInfo.id`, `bpftool map`). */
export function openMapById<const T extends MapType, K extends Layout, V extends Layout>(
  id: number,
  expected: MapExpectation<T, K, V>,
): MapOf<T, K, V> {
  return adopt(
    bpf(BPF.MAP_GET_FD_BY_ID, { id }, () => `open BPF map ${id}`),
    expected,
  );
}

function adopt<T extends MapType, K extends Layout, V extends Layout>(
  fd: number,
  expected: MapExpectation<T, K, V>,
): MapOf<T, K, V> {
  const holder = wrap(fd, { ...expected, maxEntries: 0 });
  try {
    const { type, keySize, valueSize, name, maxEntries } = holder.info();
    const [key, value] = [elementOf(expected.key, 'key'), elementOf(expected.value, 'value')];
    if (type !== expected.type || keySize !== key.size || valueSize !== value.size) {
      const is = `${type} with ${keySize} to ${valueSize} bytes`;
      throw encodeError(`a ${expected.type} with ${key.size} to ${value.size} bytes: BPF map ${name} is ${is}`);
    }
    return wrap(fd, { ...expected, name, maxEntries });
  } catch (error) {
    holder.close();
    throw error;
  }
}

/** The numbers of all maps on the machine. */
export function mapIds(): number[] {
  return idsOf(BPF.MAP_GET_NEXT_ID, 'maps');
}
