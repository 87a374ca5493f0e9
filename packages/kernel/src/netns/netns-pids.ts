import fs from 'node:fs';

/**
 * The processes whose main thread is in one of the namespaces (Netns.inode), by a scan of /proc; ascending. Processes of
 * others that this one may not look at are left out.
 */
export function pidsInNetns(inodes: bigint | ReadonlySet<bigint>): number[] {
  const wanted = typeof inodes === 'bigint' ? new Set([inodes]) : inodes;
  const texts = new Set([...wanted].map((inode) => `net:[${inode}]`));
  const pids = fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids
    .filter((pid) => texts.has(readLink(`/proc/${pid}/ns/net`)))
    .map(Number)
    .sort((a, b) => a - b);
}

function readLink(file: string): string {
  try {
    return fs.readlinkSync(file);
  } catch {
    return ''; // ended meanwhile, or not ours to see
  }
}
