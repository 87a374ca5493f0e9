import { choose } from '../choice.ts';
import { encodeError } from '../errors.ts';
import { libc } from '../libc.ts';
import { bpf } from './bpf-call.ts';
import { BPF } from './bpf-command.ts';
import { checkName } from './bpf-object.ts';
import type { Layout } from './element.ts';
import { MAP_FLAGS, MAP_TYPES, type MapFlag, type MapType, REQUIRED_FLAGS } from './map-type.ts';
import { loadStorageBtf } from './storage-btf.ts';

/** What a map is to be. */
export interface MapSpec<T extends MapType = MapType, K extends Layout = Layout, V extends Layout = Layout> {
  readonly type: T;
  /** Up to 15 letters, digits, `_` and `.`; shown by bpftool. */
  readonly name?: string;
  /** Arrays have 4 bytes (`codec.u32`), LPM tries a prefix length and the bytes of the prefix, ring buffers 0. */
  readonly key: K;
  /** Of per-CPU maps: the value of one CPU. */
  readonly value: V;
  /** Of ring buffers: bytes, a power of two and a multiple of the page size. */
  readonly maxEntries: number;
  readonly flags?: readonly MapFlag[];
  /** For array_of_maps and hash_of_maps: a map of the kind that will be put in. */
  readonly innerMap?: { readonly fd: number };
}

/** Makes the map and returns its descriptor. */
export function createMapFd(spec: MapSpec, keySize: number, valueSize: number): number {
  const { type, name = '', maxEntries } = spec;
  const number = choose(MAP_TYPES, type, 'a type of BPF map');
  checkSizes(spec, keySize, valueSize);
  const flags = [...(REQUIRED_FLAGS[type] ?? []), ...(spec.flags ?? [])].reduce(
    (bits, f) => bits | choose(MAP_FLAGS, f, 'a flag of a BPF map'),
    0,
  );
  const values = { type: number, keySize, valueSize, maxEntries, flags, name: checkName(name) };
  const op = () => `create BPF map ${name} (${type}, ${keySize} to ${valueSize} bytes, ${maxEntries} entries)`;
  if (type !== 'sk_storage') return bpf(BPF.MAP_CREATE, { ...values, innerMapFd: spec.innerMap?.fd }, op);
  const btfFd = loadStorageBtf(valueSize);
  try {
    return bpf(BPF.MAP_CREATE, { ...values, btfFd, btfKeyTypeId: 1, btfValueTypeId: 3 }, op);
  } finally {
    libc.close(btfFd);
  }
}

/** The kernel says only EINVAL to these. */
function checkSizes({ type, maxEntries }: MapSpec, keySize: number, valueSize: number): void {
  const fail = (rule: string) => encodeError(`a BPF map of type ${type}: ${rule}`);
  if (!Number.isInteger(maxEntries) || maxEntries < 0 || maxEntries > 0xffffffff)
    throw fail(`maxEntries is a whole number below 2^32, not ${maxEntries}`);
  if (maxEntries === 0 && type !== 'ringbuf' && !/storage/.test(type)) throw fail('maxEntries is 1 or more, not 0');
  if (/array/.test(type) && keySize !== 4) throw fail(`the key of an array has 4 bytes, not ${keySize}`);
  if (type === 'lpm_trie' && (keySize < 5 || keySize > 260))
    throw fail(`the key is a prefix length of 4 bytes and 1 to 256 bytes of prefix, not ${keySize} bytes in all`);
  if (/^(hash|lru_hash|percpu_hash|lru_percpu_hash|hash_of_maps)$/.test(type) && keySize === 0)
    throw fail('the key needs at least one byte');
  if (/^(prog_array|array_of_maps|hash_of_maps|cgroup_array)$/.test(type) && valueSize !== 4)
    throw fail(`the value is a descriptor of 4 bytes, not ${valueSize}`);
  if (
    type === 'ringbuf' &&
    (keySize !== 0 || valueSize !== 0 || maxEntries < 4096 || !Number.isInteger(Math.log2(maxEntries)))
  )
    throw fail('no key, no value, and a power of two of at least 4096 bytes');
  if (type === 'sk_storage' && (keySize !== 4 || maxEntries !== 0))
    throw fail('the key has 4 bytes (a descriptor of a socket), maxEntries is 0');
}
