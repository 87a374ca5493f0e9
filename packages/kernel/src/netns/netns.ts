import fs from 'node:fs';
import path from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { PodwireError } from '@podwire/base';
import { given } from '../choice.ts';
import { errnoOf } from '../errno.ts';
import { checkCall, KernelError } from '../errors.ts';
import { CLONE, lastErrno, libc, MNT_DETACH, MS } from '../libc.ts';
import { raiseLoopback } from './loopback.ts';

/** Where iproute2 keeps named network namespaces (ip-netns(8)). */
export const NETNS_DIRECTORY = '/run/netns';
/** This thread's netns; /proc/self would be the main thread's. */
const THREAD_NETNS = '/proc/thread-self/ns/net';
const NSFS_MAGIC = 0x6e736673;
/** Asks a namespace file for its kind, a CLONE_NEW* flag; ioctl_nsfs(2). */
const NS_GET_NSTYPE = 0xb703;

/** An open handle on a network namespace; it keeps the namespace alive until closed. */
export interface Netns {
  /** Its name under /run/netns, if it has one. */
  readonly name: string | undefined;
  /**
   * A file that means this namespace to every process that may look: the name's file, the path that was opened, or (without
   * either) the handle's place in /proc, which is good until close().
   */
  readonly path: string;
  /** Throws KERNEL_BAD_NETNS after close(). */
  readonly fd: number;
  /** Identifies the namespace on this machine, as in `net:[4026531840]`. */
  readonly inode: bigint;
  /**
   * Runs `fn` with the calling thread inside the namespace and comes back, also when `fn` throws. One synchronous
   * stretch: what `fn` starts for later (promises, timers, net.connect) would run outside, so a promise is refused.
   */
  run<T>(fn: () => T): T;
  /** Gives up the handle; a second call does nothing. Sockets and processes inside stay. */
  close(): void;
  [Symbol.dispose](): void;
}

class NetnsHandle implements Netns {
  readonly name: string | undefined;
  readonly path: string;
  readonly inode: bigint;
  #fd: number;

  constructor(file: string, name?: string) {
    this.name = name;
    this.#fd = fs.openSync(file, 'r');
    this.path = file === THREAD_NETNS ? `/proc/${process.pid}/fd/${this.#fd}` : file;
    this.inode = fs.fstatSync(this.#fd, { bigint: true }).ino;
  }

  get fd(): number {
    if (this.#fd < 0)
      throw new PodwireError('KERNEL_BAD_NETNS', `the handle on network namespace ${this.path} is closed`);
    return this.#fd;
  }

  run<T>(fn: () => T): T {
    return runIn(this.fd, this.path, fn);
  }

  close(): void {
    if (this.#fd >= 0) fs.closeSync(this.#fd);
    this.#fd = -1;
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

function runIn<T>(fd: number, label: string, fn: () => T): T {
  const result = excursion(() => {
    checkCall(libc.setns(fd, CLONE.NEWNET), () => `setns ${label}`);
    return fn();
  });
  if (result instanceof Promise) {
    result.catch(() => {});
    throw new PodwireError(
      'KERNEL_NETNS_ASYNC',
      `the function run in ${label} returned a promise; await outside of run()`,
    );
  }
  return result;
}

/** Lets `fn` move this thread between network namespaces, and brings the thread home whatever happens. */
export function excursion<T>(fn: () => T): T {
  startThreadPool();
  const home = fs.openSync(THREAD_NETNS, 'r');
  try {
    return fn();
  } finally {
    goHome(home);
  }
}

function goHome(home: number): void {
  const back = libc.setns(home, CLONE.NEWNET);
  const errno = lastErrno();
  const inode = fs.fstatSync(home).ino;
  fs.closeSync(home);
  // without CAP_SYS_ADMIN the thread cannot have left, and the reason is in what `fn` threw
  if (back < 0 && fs.statSync(THREAD_NETNS).ino !== inode)
    throw new KernelError({ op: `setns back to ${THREAD_NETNS}`, errno });
}

let poolStarted = false;
/** Threads inherit the netns of the thread that starts them: the libuv pool has to start at home. */
function startThreadPool(): void {
  if (poolStarted) return;
  poolStarted = true;
  fs.stat('/', () => {});
}

function namedPath(name: string): string {
  if (typeof name !== 'string' || name === '.' || name === '..' || !/^[\w.@:+-]{1,200}$/.test(name)) {
    const rule = 'use letters, digits and . _ - @ : +';
    throw new PodwireError('KERNEL_BAD_NETNS', `${given(name)} is not a usable name for a network namespace; ${rule}`);
  }
  return path.join(NETNS_DIRECTORY, name);
}

/** Makes a network namespace that lives on under /run/netns (as `ip netns add`), with lo up. */
export function createNetns(name: string): Netns {
  const file = namedPath(name);
  claimFile(file, name);
  try {
    excursion(() => {
      checkCall(libc.unshare(CLONE.NEWNET), () => `unshare a network namespace for ${name}`);
      checkCall(libc.mount(THREAD_NETNS, file, null, MS.BIND, null), () => `mount ${file}`);
      raiseLoopback();
    });
    return new NetnsHandle(file, name);
  } catch (error) {
    libc.umount2(file, MNT_DETACH); // in vain if it was not mounted yet
    fs.rmSync(file, { force: true });
    throw error;
  }
}

function claimFile(file: string, name: string): void {
  try {
    fs.mkdirSync(NETNS_DIRECTORY, { recursive: true, mode: 0o755 });
    fs.closeSync(fs.openSync(file, 'wx', 0o444));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === 'EEXIST') {
      const advice = `remove it with: ip netns del ${name}`;
      throw new PodwireError('KERNEL_BAD_NETNS', `network namespace ${name} exists already; ${advice}`, { cause });
    }
    throw fileError(`make the mount point ${file}`, code);
  }
}

/** Opens a namespace by name (under /run/netns) or by the path of a namespace file. */
export function openNetns(nameOrPath: string): Netns {
  const isPath = typeof nameOrPath === 'string' && nameOrPath.includes('/');
  const name = isPath ? undefined : nameOrPath;
  const file = isPath ? nameOrPath : namedPath(nameOrPath);
  if (fileSystemType(file, nameOrPath) !== NSFS_MAGIC) throw notNetns(file);
  const named = name ?? (path.dirname(file) === NETNS_DIRECTORY ? path.basename(file) : undefined);
  const netns = new NetnsHandle(file, named);
  if (libc.ioctlNumber(netns.fd, NS_GET_NSTYPE, 0) === CLONE.NEWNET) return netns;
  netns.close();
  throw notNetns(file);
}

/** The file is not opened for this: opening a device or a FIFO has effects. */
function fileSystemType(file: string, name: string): number {
  try {
    return fs.statfsSync(file).type;
  } catch (cause) {
    const { code = '' } = cause as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR')
      throw new PodwireError('KERNEL_BAD_NETNS', `there is no network namespace ${name} (${file})`, { cause });
    throw fileError(`look at network namespace ${file}`, code);
  }
}

function fileError(op: string, code = ''): KernelError {
  const errno = errnoOf(code);
  if (code !== 'EACCES' && code !== 'EPERM') return new KernelError({ op, errno });
  const advice = 'run as root or add the capability CAP_SYS_ADMIN, which namespaces with a name take';
  return new KernelError({ op, errno, advice }, 'KERNEL_PERMISSION');
}

function notNetns(file: string): PodwireError {
  return new PodwireError('KERNEL_BAD_NETNS', `${file} is not a network namespace; name one of ${NETNS_DIRECTORY}`);
}

/** A handle on the namespace the calling thread is in now. */
export function currentNetns(): Netns {
  return new NetnsHandle(THREAD_NETNS);
}

/** Makes a namespace without a name; it is gone when the handle is closed and nothing uses it. lo is up. */
export function createAnonymousNetns(): Netns {
  return excursion(() => {
    checkCall(libc.unshare(CLONE.NEWNET), () => 'unshare a network namespace');
    raiseLoopback();
    return new NetnsHandle(THREAD_NETNS);
  });
}

/**
 * Moves the calling worker thread into the namespace for good: its sockets and children are made there from now on.
 * Threads of the libuv pool (fs.promises, dns.lookup) stay where they are. The main thread may not move.
 */
export function enterNetns(netns: Netns): void {
  if (isMainThread) {
    throw new PodwireError(
      'KERNEL_MAIN_THREAD',
      'the main thread must stay in its network namespace; use a worker or run()',
    );
  }
  startThreadPool();
  checkCall(libc.setns(netns.fd, CLONE.NEWNET), () => `setns ${netns.path}`);
}

/** Removes the name (as `ip netns del`); false if there was none. The namespace dies with its last user. */
export function deleteNetns(name: string): boolean {
  const file = namedPath(name);
  if (!fs.existsSync(file)) return false;
  if (libc.umount2(file, MNT_DETACH) < 0) {
    const errno = lastErrno();
    if (errno !== errnoOf('EINVAL') && errno !== errnoOf('ENOENT'))
      throw new KernelError({ op: `umount ${file}`, errno });
  }
  fs.rmSync(file, { force: true });
  return true;
}

/** The names under /run/netns, sorted. */
export function listNetns(): string[] {
  return fs.existsSync(NETNS_DIRECTORY) ? fs.readdirSync(NETNS_DIRECTORY).sort() : [];
}
