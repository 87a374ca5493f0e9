import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

export interface SocketPlaceFixture {
  readonly cgroup: string;
  readonly bpffs: string;
  readonly runDirectory: string;
}

/** For tests: a cgroup that this process is in and a bpf file system, both of one's own, while `fn` runs. */
export async function withSocketPlace(fn: (place: SocketPlaceFixture) => Promise<void>): Promise<void> {
  const mounts = fs.readFileSync('/proc/self/mounts', 'utf8').split('\n');
  const root = mounts.map((line) => line.split(' ')).find((fields) => fields[2] === 'cgroup2')?.[1] ?? '';
  const home = path.join(root, /^0::(.*)$/m.exec(fs.readFileSync('/proc/self/cgroup', 'utf8'))?.[1] ?? '/');
  const cgroup = path.join(root, `pwt-${randomBytes(4).toString('hex')}`);
  const move = (to: string) => fs.writeFileSync(path.join(to, 'cgroup.procs'), String(process.pid));
  const bpffs = fs.mkdtempSync(path.join(os.tmpdir(), 'pwt-bpf-'));
  execFileSync('mount', ['-t', 'bpf', 'bpf', bpffs]);
  fs.mkdirSync(cgroup);
  try {
    move(cgroup);
    await fn({ cgroup, bpffs, runDirectory: path.join(bpffs, 'run') });
  } finally {
    move(home);
    fs.rmdirSync(cgroup);
    execFileSync('umount', ['-l', bpffs]);
    fs.rmdirSync(bpffs);
  }
}
