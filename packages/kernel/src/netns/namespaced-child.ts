import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process';
import fs from 'node:fs';
import { PodwireError } from '@podwire/base';
import { checkCall, KernelError } from '../errors.ts';
import { CLONE, lastErrno, libc, MS } from '../libc.ts';
import { inNetns } from '../socket/inet-socket.ts';
import type { MountNamespace } from './mount-namespace.ts';
import type { Netns } from './netns.ts';

/** A file or directory of the machine that the child sees at another place. */
export interface Bind {
  readonly source: string;
  /** Has to exist, and be a directory if the source is one. */
  readonly target: string;
  readonly readOnly?: boolean;
}

export interface SpawnPlace {
  /** Default: where the calling thread is. */
  readonly netns?: Netns | undefined;
  readonly hostname?: string | undefined;
  readonly binds?: readonly Bind[] | undefined;
  /** Instead of one for this child; `binds` then do not count. */
  readonly mounts?: MountNamespace | undefined;
}

/**
 * Starts a child inside namespaces, as child_process.spawn does outside of them:
 *
 *   this thread:  setns(net) ─ unshare(mnt, uts) ─ slave / ─ bind ... ─ sethostname ─ spawn ─ setns back
 *   child:                                                                              └── stays in all three
 *
 * The bind mounts exist in the child's mount namespace only and die with its last process. Mounts the machine makes or
 * removes later are seen by the child. Throws KERNEL_BAD_BIND and KernelError before anything is started; a program
 * that cannot be run is the child's `error` event, as usual.
 *
 * The first call with binds gives the calling thread a working directory and umask of its own (unshare(2), CLONE_FS): a
 * later process.chdir() does not reach the threads of the libuv pool.
 */
export function spawnIn(
  place: SpawnPlace,
  command: string,
  args: readonly string[],
  options: SpawnOptions = {},
): ChildProcess {
  return inNetns(place.netns, () => inUts(place.hostname, () => inMounts(place, () => spawn(command, args, options))));
}

/** In a UTS namespace of its own with that hostname; without one, where the thread is. */
function inUts<T>(hostname: string | undefined, fn: () => T): T {
  if (hostname === undefined) return fn();
  return inFresh('uts', CLONE.NEWUTS, () => {
    checkCall(libc.sethostname(hostname, Buffer.byteLength(hostname)), () => `sethostname ${hostname}`);
    return fn();
  });
}

/** In the mount namespace of the place, or one of its own with its binds; without any, where the thread is. */
function inMounts<T>({ binds = [], mounts }: SpawnPlace, fn: () => T): T {
  if (!mounts && binds.length === 0) return fn();
  return withHomeMounts(() => {
    if (mounts) {
      // A thread that shares its working directory with one made later may not enter.
      checkCall(libc.unshare(CLONE.FS), () => 'unshare the working directory');
      checkCall(libc.setns(mounts.fd, CLONE.NEWNS), () => 'enter a mount namespace');
    } else {
      checkCall(libc.unshare(CLONE.NEWNS), () => 'unshare a mnt namespace');
      checkCall(libc.mount(null, '/', null, MS.REC | MS.SLAVE, null), () => 'mount / as slave');
      for (const bind of binds) mountBind(bind);
    }
    return fn();
  });
}

/** Brings the thread back to its mount namespace and working directory whatever happens. */
export function withHomeMounts<T>(fn: () => T): T {
  const directory = fs.openSync('.', fs.constants.O_RDONLY | fs.constants.O_DIRECTORY);
  const file = '/proc/thread-self/ns/mnt';
  const home = fs.openSync(file, 'r');
  try {
    return fn();
  } finally {
    // setns into a mount namespace moves the thread's working directory to its root
    try {
      closeAfter(libc.setns(home, CLONE.NEWNS), home, `setns back to ${file}`);
    } finally {
      closeAfter(libc.fchdir(directory), directory, 'return to the working directory');
    }
  }
}

/** Runs `fn` with the thread in a new namespace of one type, and brings it back whatever happens. */
function inFresh<T>(type: 'uts', flag: number, fn: () => T): T {
  const file = `/proc/thread-self/ns/${type}`;
  const home = fs.openSync(file, 'r');
  try {
    checkCall(libc.unshare(flag), () => `unshare a ${type} namespace`);
    return fn();
  } finally {
    closeAfter(libc.setns(home, flag), home, `setns back to ${file}`);
  }
}

/** Gives up what led back, whether or not the way back succeeded. */
function closeAfter(result: number, fd: number, op: string): void {
  const errno = lastErrno();
  fs.closeSync(fd);
  if (result < 0) throw new KernelError({ op, errno });
}

export function mountBind({ source, target, readOnly }: Bind): void {
  const place = `mount ${source} at ${target}`;
  for (const [role, file] of [
    ['source', source],
    ['target', target],
  ] as const) {
    if (!fs.existsSync(file)) {
      throw new PodwireError('KERNEL_BAD_BIND', `${place}: the ${role} does not exist; create ${file} first`, {
        details: { [role]: file },
      });
    }
  }
  checkCall(libc.mount(source, target, null, MS.BIND | MS.REC, null), () => place);
  if (!readOnly) return;
  checkCall(libc.mount(null, target, null, MS.BIND | MS.REMOUNT | MS.RDONLY, null), () => `${place} read-only`);
}
