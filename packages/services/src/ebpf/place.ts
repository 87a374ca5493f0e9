import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { PodwireError } from '@podwire/base';
import type { SocketPlace } from '../proxy.ts';

/** Where programs are attached and pins are kept. */
export interface Place {
  /** A directory of a cgroup2 file system; the sockets of its processes are looked at. */
  readonly cgroup: string;
  /** Absent where no bpf file system is mounted: then everything ends with the process. */
  readonly pins: string | undefined;
}

/** Throws SERVICES_NO_CGROUP where no cgroup2 file system is mounted. */
export function findPlace({ cgroup, bpffs }: SocketPlace, runDirectory: string): Place {
  const root = cgroup ?? mountPoint('cgroup2');
  if (root === undefined)
    throw new PodwireError(
      'SERVICES_NO_CGROUP',
      'mode ebpf needs a cgroup2 file system, and none is mounted: mount one (mount -t cgroup2 none /sys/fs/cgroup/unified) or use mode nftables',
    );
  const bpf = bpffs ?? mountPoint('bpf');
  return { cgroup: root, pins: bpf && path.join(bpf, 'podwire', nameOf(runDirectory)) };
}

/** Several nodes of a lab share one bpf file system; each has a run directory of its own. */
function nameOf(runDirectory: string): string {
  return createHash('sha256').update(path.resolve(runDirectory)).digest('hex').slice(0, 16);
}

function mountPoint(type: string): string | undefined {
  const rows = fs.readFileSync('/proc/self/mounts', 'utf8').split('\n');
  return rows.map((row) => row.split(' ')).find((fields) => fields[2] === type)?.[1];
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
