import fs from 'node:fs';
import { errnoOf } from '../errno.ts';
import { answered, bpfError, tryBpf } from './bpf-call.ts';
import { BPF } from './bpf-command.ts';
import { ATTACH_TYPES, type AttachType } from './program-type.ts';

/** Where programs are attached: a cgroup's directory, a link (tcx), or the file of a network namespace. */
export type AttachPlace = { readonly path: string } | { readonly ifindex: number };

/** The ids of the programs at a hook, in the order they run; empty when there are none. */
export function attachedPrograms(place: AttachPlace, attachType: AttachType): number[] {
  const fd = 'path' in place ? fs.openSync(place.path, fs.constants.O_RDONLY) : undefined;
  const target = 'ifindex' in place ? place.ifindex : fd;
  try {
    return query({ target, attachType: ATTACH_TYPES[attachType] }, () => `list BPF programs at ${attachType}`);
  } finally {
    if (fd !== undefined) fs.closeSync(fd);
  }
}

function query(values: { target: number | undefined; attachType: number }, op: () => string): number[] {
  for (let room = 64; ; room *= 2) {
    const programIds = Buffer.alloc(room * 4);
    const result = tryBpf(BPF.PROG_QUERY, { ...values, programIds, count: room });
    if (result === -errnoOf('ENOSPC')) continue;
    if (result === -errnoOf('ENOENT')) return []; // tcx, when nothing was ever attached
    if (result < 0) throw bpfError(op(), -result);
    const count = answered(BPF.PROG_QUERY, 'count');
    return Array.from({ length: count }, (_, i) => programIds.readUInt32LE(i * 4));
  }
}
