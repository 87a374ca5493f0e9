import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { servicesError } from '../errors.ts';
import type { SocketPlace } from '../proxy.ts';

/** Where programs are attached and pins are kept. */
export interface Place {
  /** A directory of a cgroup2 file system; the sockets of its processes are looked at. */
  readonly cgroup: string;
  /** Absent where no bpf file system is mounted: then everything ends with the process. */
  readonly pins: string | undefined;
}

/** Throws SERVICES_NO_CGROUP where no cgroup2 file system is mounted, or the given directory is not in one. */
export function findPlace({ cgroup, bpffs }: SocketPlace, runDirectory: string): Place {
  const root = cgroup ?? mountPoints('cgroup2').find(isCgroup2);
  if (root === undefined || !isCgroup2(root))
    throw servicesError(
      'SERVICES_NO_CGROUP',
      `mode ebpf needs a cgroup2 file system, and ${root ? `${root} is not in one` : 'none is mounted'}: mount one (mount -t cgroup2 none /sys/fs/cgroup/unified) or use mode nftables`,
    );
  return { cgroup: root, pins: pinsOf(runDirectory, bpffs) };
}

/** The magic number of cgroup2 in statfs(2). */
const CGROUP2_MAGIC = 0x63677270;

/** What mounts say may be out of date, or out of reach. */
function isCgroup2(directory: string): boolean {
  try {
    return fs.statfsSync(directory).type === CGROUP2_MAGIC;
  } catch {
    return false;
  }
}

/** The directory of a node's pins, by its run directory; undefined where no bpf file system is mounted. */
export function pinsOf(runDirectory: string, bpffs?: string): string | undefined {
  const bpf = bpffs ?? mountPoints('bpf').find((point) => point === BPFFS);
  return bpf && path.join(bpf, 'podwire', nameOf(runDirectory));
}

/** Several nodes of a lab share one bpf file system; each has a run directory of its own. */
function nameOf(runDirectory: string): string {
  return createHash('sha256').update(path.resolve(runDirectory)).digest('hex').slice(0, 16);
}

/** Others may have bpf file systems of their own elsewhere. */
const BPFFS = '/sys/fs/bpf';

function mountPoints(type: string): string[] {
  const rows = fs.readFileSync('/proc/self/mounts', 'utf8').split('\n');
  return rows.map((row) => row.split(' ')).flatMap(([, point = '', kind]) => (kind === type ? [point] : []));
}

/** Removes a pin; whether it was there. */
export function unpin(file: string): boolean {
  try {
    fs.unlinkSync(file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}
