import fs from 'node:fs';
import path from 'node:path';
import { checkCall } from '../errors.ts';
import { CLONE, libc, MNT_DETACH, MS } from '../libc.ts';
import { type Bind, mountBind, withHomeMounts } from './namespaced-child.ts';
import { NETNS_DIRECTORY } from './netns.ts';

/** A mount namespace that an open file keeps: children enter it (spawnIn), and it ends with the last of them after close(). */
export interface MountNamespace {
  readonly fd: number;
  /** Whether children write to a layer of their own; false: to the machine's files, for its kernel has no overlayfs. */
  readonly isLayered: boolean;
  /** Binds that could not be made, because the target does not exist and must not be made on the machine. */
  readonly missing: readonly Bind[];
  close(): void;
}

export interface MountNamespaceOptions {
  /** Empty, and left so: a place to mount at. */
  readonly directory: string;
  readonly binds: readonly Bind[];
}

/** File systems that are the kernel's own, shown as they are. */
const KERNELS = ['/proc', '/sys', '/dev'];
const O_PATH = 0o10000000;

/**
 * Makes the machine's tree as a child shall see it:
 *
 *      binds          files and directories, each at a mount point made for it
 *      overlayfs      / and every file system below, lower layers; what is written goes to a tmpfs and ends with the namespace
 *      /proc /sys /dev as they are
 *
 * Unix sockets of the machine cannot be connected to through overlayfs. Throws KernelError; nothing is left then. The calling
 * thread is back where it was, with a working directory and umask of its own, as after spawnIn.
 */
export function createMountNamespace({ directory, binds }: MountNamespaceOptions): MountNamespace {
  return withHomeMounts(() => {
    checkCall(libc.unshare(CLONE.NEWNS), () => 'unshare a mount namespace');
    checkCall(libc.mount(null, '/', null, MS.REC | MS.SLAVE, null), () => 'mount / as slave');
    const sources = binds.map(({ source }) => fs.openSync(source, O_PATH));
    try {
      const isLayered = layer(directory);
      const missing = binds.filter((bind, i) => !place(bind, sources[i] ?? -1, isLayered));
      const fd = fs.openSync('/proc/thread-self/ns/mnt', 'r');
      return { fd, isLayered, missing, close: () => fs.closeSync(fd) };
    } finally {
      for (const source of sources) fs.closeSync(source);
    }
  });
}

/** Puts overlays over all of the tree and makes them the root; false where that cannot be. */
function layer(directory: string): boolean {
  if (libc.mount('tmpfs', directory, 'tmpfs', 0, 'mode=0700') < 0) return false;
  const root = path.join(directory, 'root');
  const layers = path.join(directory, 'layers');
  for (const made of [root, layers]) fs.mkdirSync(made);
  if (!overlay('/', root, path.join(layers, '0'))) {
    checkCall(libc.umount2(directory, MNT_DETACH), () => `unmount ${directory}`);
    return false;
  }
  mountPoints().forEach((at, i) => {
    const target = path.join(root, at);
    if (!KERNELS.includes(at) && overlay(at, target, path.join(layers, String(i + 1)))) return;
    checkCall(libc.mount(at, target, null, MS.BIND | MS.REC, null), () => `mount ${at} at ${target}`);
  });
  checkCall(libc.mount(root, '/', null, MS.MOVE, null), () => `move ${root} to /`);
  // Entering a mount namespace, even one's own, begins at what is mounted on top of its root.
  const own = fs.openSync('/proc/thread-self/ns/mnt', 'r');
  checkCall(libc.setns(own, CLONE.NEWNS), () => 'enter a mount namespace again');
  fs.closeSync(own);
  return true;
}

/** What is written to `target` goes to `upper`, which is made; false when there is no such overlay. */
function overlay(lower: string, target: string, upper: string): boolean {
  const stat = fs.statSync(lower);
  // These would be syntax among the options.
  if (!stat.isDirectory() || /[,:\\]/.test(lower)) return false;
  for (const made of [upper, `${upper}.work`]) fs.mkdirSync(made);
  fs.chownSync(upper, stat.uid, stat.gid);
  fs.chmodSync(upper, stat.mode & 0o7777);
  const options = `lowerdir=${lower},upperdir=${upper},workdir=${upper}.work`;
  return libc.mount('overlay', target, 'overlay', 0, options) === 0;
}

/** Where file systems are mounted on the root's (proc_pid_mountinfo(5)); named network namespaces are none of a child's. */
function mountPoints(): string[] {
  const rows = fs
    .readFileSync('/proc/thread-self/mountinfo', 'utf8')
    .trim()
    .split('\n')
    .map((line) => line.split(' '));
  const root = rows.findLast(([, , , , at]) => at === '/')?.[0];
  const direct = rows.filter(([, parent, , , at]) => parent === root && at !== '/').map(([, , , , at = '']) => at);
  return [...new Set(direct)].filter((at) => !at.includes('\\') && !at.startsWith(NETNS_DIRECTORY));
}

/** Mounts what a file descriptor is of; false when there is no place for it. */
function place(bind: Bind, source: number, isLayered: boolean): boolean {
  const opened = `/proc/thread-self/fd/${source}`;
  if (!fs.existsSync(bind.target)) {
    if (!isLayered) return false;
    fs.rmSync(bind.target, { force: true }); // a link that leads nowhere
    const isDirectory = fs.statSync(opened).isDirectory();
    fs.mkdirSync(isDirectory ? bind.target : path.dirname(bind.target), { recursive: true });
    if (!isDirectory) fs.writeFileSync(bind.target, '');
  }
  mountBind({ ...bind, source: opened });
  return true;
}
