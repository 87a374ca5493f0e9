import { link, readFile, unlink, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { PodwireError } from '@podwire/base';

/** Identifies a process beyond the reuse of its id: the start time is field 22 of /proc/PID/stat (proc(5)). */
async function identityOf(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // A zombie holds nothing any more; it only waits for its parent to look.
    return fields[0] === 'Z' ? undefined : `${pid} ${fields[19]}`;
  } catch {
    return undefined;
  }
}

/**
 * Takes the directory for this process; a lock whose process is gone is taken over. Throws APISERVER_DIRECTORY_IN_USE.
 * Returns the release.
 */
export async function lockDirectory(directory: string): Promise<() => Promise<void>> {
  const lock = path.join(directory, 'lock');
  const mine = `${lock}.${process.pid}.${crypto.randomUUID().slice(0, 8)}`;
  await writeFile(mine, (await identityOf(process.pid)) ?? '', { mode: 0o600 });
  try {
    // link(2) is atomic and fails when the name exists, so the lock never exists without its content.
    for (;;) {
      const taken = await link(mine, lock).then(() => true, isExisting);
      if (taken) return () => unlink(lock);
      await removeIfStale(lock, directory);
    }
  } finally {
    await unlink(mine);
  }
}

function isExisting(error: NodeJS.ErrnoException): false {
  if (error.code === 'EEXIST') return false;
  throw error;
}

async function removeIfStale(lock: string, directory: string): Promise<void> {
  const holder = await readFile(lock, 'utf8').catch(() => '');
  const pid = Number(holder.split(' ')[0]);
  if (holder !== '' && (await identityOf(pid)) === holder) {
    const message = `the state directory ${directory} is in use by process ${pid}; stop it or choose another directory`;
    throw new PodwireError('APISERVER_DIRECTORY_IN_USE', message, { details: { directory, pid } });
  }
  await unlink(lock).catch(() => {});
}
