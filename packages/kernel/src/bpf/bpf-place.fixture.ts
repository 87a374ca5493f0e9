import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { checkCall } from '../errors.ts';
import { libc, MNT_DETACH } from '../libc.ts';

/** For tests: a bpf file system of one's own, gone afterwards with all its pins. */
export function withBpfFs<T>(fn: (directory: string) => T): T {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'pwt-bpf-'));
  checkCall(libc.mount('bpf', directory, 'bpf', 0, null), () => `mount ${directory}`);
  try {
    return fn(directory);
  } finally {
    checkCall(libc.umount2(directory, MNT_DETACH), () => `umount ${directory}`);
    fs.rmdirSync(directory);
  }
}

/** For tests: a cgroup of one's own that this process is in while `fn` runs. */
export async function inCgroup<T>(fn: (directory: string) => T | Promise<T>): Promise<T> {
  const mounts = fs.readFileSync('/proc/self/mounts', 'utf8').split('\n');
  const root = mounts.map((line) => line.split(' ')).find((fields) => fields[2] === 'cgroup2')?.[1] ?? '';
  const home = path.join(root, /^0::(.*)$/m.exec(fs.readFileSync('/proc/self/cgroup', 'utf8'))?.[1] ?? '/');
  const directory = path.join(root, `pwt-${randomBytes(4).toString('hex')}`);
  const move = (to: string) => fs.writeFileSync(path.join(to, 'cgroup.procs'), String(process.pid));
  fs.mkdirSync(directory);
  try {
    move(directory);
    return await fn(directory);
  } finally {
    move(home);
    fs.rmdirSync(directory);
  }
}

/** For tests: how many descriptors of BPF objects this process has. */
export function openBpfFds(): number {
  const links = fs.readdirSync('/proc/self/fd').map((fd) => {
    try {
      return fs.readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return '';
    }
  });
  return links.filter((link) => /bpf|btf/.test(link)).length;
}
