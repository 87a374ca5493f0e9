/** enum bpf_map_type of linux/bpf.h; the names are those of `bpftool map create ... type NAME`. */
export const MAP_TYPES = {
  hash: 1,
  array: 2,
  prog_array: 3,
  perf_event_array: 4,
  percpu_hash: 5,
  percpu_array: 6,
  stack_trace: 7,
  cgroup_array: 8,
  lru_hash: 9,
  lru_percpu_hash: 10,
  lpm_trie: 11,
  array_of_maps: 12,
  hash_of_maps: 13,
  devmap: 14,
  sockmap: 15,
  cpumap: 16,
  xskmap: 17,
  sockhash: 18,
  cgroup_storage: 19,
  reuseport_sockarray: 20,
  percpu_cgroup_storage: 21,
  queue: 22,
  stack: 23,
  sk_storage: 24,
  devmap_hash: 25,
  struct_ops: 26,
  ringbuf: 27,
  inode_storage: 28,
  task_storage: 29,
  bloom_filter: 30,
  user_ringbuf: 31,
  cgrp_storage: 32,
  arena: 33,
} as const;

export type MapType = keyof typeof MAP_TYPES;

/** Types that hold one value per CPU under each key. */
const PER_CPU = ['percpu_hash', 'percpu_array', 'lru_percpu_hash', 'percpu_cgroup_storage'] as const;
export type PerCpuMapType = (typeof PER_CPU)[number];

export function isPerCpu(type: MapType): type is PerCpuMapType {
  return PER_CPU.some((each) => each === type);
}

/** BPF_F_* of BPF_MAP_CREATE. */
export const MAP_FLAGS = {
  no_prealloc: 1 << 0,
  no_common_lru: 1 << 1,
  rdonly: 1 << 3,
  wronly: 1 << 4,
  zero_seed: 1 << 6,
  rdonly_prog: 1 << 7,
  wronly_prog: 1 << 8,
  clone: 1 << 9,
  mmapable: 1 << 10,
  inner_map: 1 << 12,
} as const;

export type MapFlag = keyof typeof MAP_FLAGS;

/** Flags the kernel insists on for a type, so that nobody has to know. */
export const REQUIRED_FLAGS: Readonly<Partial<Record<MapType, readonly MapFlag[]>>> = {
  lpm_trie: ['no_prealloc'],
  sk_storage: ['no_prealloc'],
};
