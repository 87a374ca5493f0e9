import { ByteWriter } from '../netlink/byte-writer.ts';
import { bpf } from './bpf-call.ts';
import { BPF } from './bpf-command.ts';

const BTF_MAGIC = 0xeb9f;
const HEADER_SIZE = 24;
const KIND_INT = 1 << 24;
const KIND_ARRAY = 3 << 24;

/**
 * Types that describe keys of 4 bytes (type 1) and values of `size` bytes (type 3), which the kernel demands of maps
 * for storage at sockets; Documentation/bpf/btf.rst. Returns a descriptor.
 */
export function loadStorageBtf(size: number): number {
  const names = Buffer.from('\0u32\0u8\0');
  const types = new ByteWriter();
  const int = (name: number, bytes: number) => {
    for (const word of [name, KIND_INT, bytes, bytes * 8]) types.u32(word);
  };
  int(1, 4);
  int(5, 1);
  for (const word of [0, KIND_ARRAY, 0, 2, 1, size]) types.u32(word); // u8[size], indexed by u32
  const out = new ByteWriter();
  out.u16(BTF_MAGIC);
  out.u8(1);
  out.u8(0);
  for (const word of [HEADER_SIZE, 0, types.length, types.length, names.length]) out.u32(word);
  out.raw(types.finish());
  out.raw(names);
  const btf = out.finish();
  return bpf(BPF.BTF_LOAD, { btf, size: btf.length }, () => 'load BTF');
}
