import fs from 'node:fs';
import { errnoOf } from '../errno.ts';
import { encodeError, isErrno } from '../errors.ts';
import { bpf, bpfError } from './bpf-call.ts';
import { BPF } from './bpf-command.ts';
import { type BpfLink, createLink } from './link.ts';
import { type BpfProgram, openProgramById } from './program.ts';
import { ATTACH_TYPES, type AttachType } from './program-type.ts';

/** A program at a cgroup: by a link or, where the kernel has none for cgroups (before Linux 5.7), without one. */
export interface CgroupAttachment extends Disposable {
  /** Absent when there is no link; then the attachment outlives the process until close(). */
  readonly link: BpfLink | undefined;
  /** Exchanges the program without a gap. */
  update(program: BpfProgram): void;
  /** Takes the program off unless its link is pinned; a second call does nothing. */
  close(): void;
}

/** The hooks that belong to a cgroup. */
export type CgroupAttachType = Extract<AttachType, `cgroup_${string}`>;

export interface CgroupTarget {
  /** A directory of a cgroup2 file system. */
  readonly path: string;
  readonly attachType: CgroupAttachType;
  /** `program`: without a link even if the kernel has them, so that the attachment survives its maker. */
  readonly by?: 'link' | 'program';
}

/** BPF_F_ALLOW_MULTI and BPF_F_REPLACE of BPF_PROG_ATTACH. */
const F_ALLOW_MULTI = 1 << 1;
const F_REPLACE = 1 << 2;

/**
 * Attaches to what the processes in a cgroup and below it do, beside the programs that are there already. Which are
 * run, and in what order: the cgroup's own first, then those of its parents. Throws KERNEL_ENCODE for a directory that is
 * no cgroup2.
 */
export function attachCgroup(program: BpfProgram, target: CgroupTarget): CgroupAttachment {
  const directory = openCgroup(target.path);
  try {
    if (target.by === 'program') return attachProgram(program, target, directory);
    return attachLink(program, target, directory);
  } catch (error) {
    fs.closeSync(directory);
    throw error;
  }
}

/** The magic number of cgroup2 in statfs(2). */
const CGROUP2_MAGIC = 0x63677270;

function openCgroup(path: string): number {
  const directory = openDirectory(path);
  if (fs.statfsSync(path).type === CGROUP2_MAGIC) return directory;
  fs.closeSync(directory);
  const advice = 'it is not a cgroup2 directory; `findmnt -t cgroup2` tells where they are';
  throw encodeError(`${path} as a cgroup: ${advice}`);
}

function openDirectory(path: string): number {
  try {
    return fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
  } catch (cause) {
    const errno = errnoOf((cause as NodeJS.ErrnoException).code ?? '');
    throw bpfError(`open cgroup ${path}`, errno, { advice: 'give the path of a directory of a cgroup2 file system' });
  }
}

function attachLink(program: BpfProgram, target: CgroupTarget, directory: number): CgroupAttachment {
  const { path, attachType } = target;
  let link: BpfLink;
  try {
    link = createLink({ program, target: directory, attachType, label: `${attachType} of ${path}` });
  } catch (error) {
    if (isErrno(error, 'EINVAL')) return attachProgram(program, target, directory);
    throw error;
  }
  fs.closeSync(directory);
  const close = () => link.close();
  return { link, update: (next) => link.update(next), close, [Symbol.dispose]: close };
}

/** Keeps the directory and the program open, for the program is taken off through both. */
function attachProgram(program: BpfProgram, { path, attachType }: CgroupTarget, directory: number): CgroupAttachment {
  const place = { target: directory, attachType: ATTACH_TYPES[attachType] };
  const op = (verb: string) => () => `${verb} BPF ${program.label} at ${attachType} of ${path}`;
  let current = openProgramById(program.info().id);
  const attach = (next: BpfProgram, flags: number, replaceFd?: number) =>
    bpf(BPF.PROG_ATTACH, { ...place, programFd: next.fd, flags, replaceFd }, op('attach'));
  try {
    attach(current, F_ALLOW_MULTI);
  } catch (error) {
    current.close();
    throw error;
  }
  const close = () => {
    if (current.closed) return;
    try {
      bpf(BPF.PROG_DETACH, { ...place, programFd: current.fd }, op('detach'));
    } finally {
      current.close();
      fs.closeSync(directory);
    }
  };
  const update = (next: BpfProgram) => {
    // opened first: once it is attached, nothing may fail before it is known as the one to take off
    const copy = openProgramById(next.info().id);
    try {
      attach(copy, F_ALLOW_MULTI | F_REPLACE, current.fd);
    } catch (error) {
      copy.close();
      throw error;
    }
    current.close();
    current = copy;
  };
  return { link: undefined, update, close, [Symbol.dispose]: close };
}
