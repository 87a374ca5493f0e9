import fs from 'node:fs';
import { errnoOf } from '../errno.ts';
import { answered, bpfError, tryBpf } from './bpf-call.ts';
import { BPF } from './bpf-command.ts';
import { ATTACH_TYPES, type AttachType } from './program-type.ts';

/** Where programs are attached: a cgroup's directory, a link (tcx), or the file of a network namespace. */
export type AttachPlace = { readonly path: string } | { readonly ifindex: number };

/** The ids of the programs at a hook, in the order they run; empty when there are none. Throws KernelError. */
export function attachedPrograms(place: AttachPlace, attachType: AttachType): number[] {
  const where = 'path' in place ? place.path : `link ${place.ifindex}`;
  const op = () => `list BPF programs at ${attachType} of ${where}`;
  if ('ifindex' in place) return query({ target: place.ifindex, attachType: ATTACH_TYPES[attachType] }, op);
  const target = openTarget(place.path, op);
  try {
    return query({ target, attachType: ATTACH_TYPES[attachType] }, op);
  } finally {
    fs.closeSync(target);
  }
}

function openTarget(path: string, op: () => string): number {
  try {
    return fs.openSync(path, fs.constants.O_RDONLY);
  } catch (cause) {
    throw bpfError(op(), errnoOf((cause as NodeJS.ErrnoException).code ?? ''));
  }
}

function query(values: { target: number; attachType: number }, op: () => string): number[] {
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
