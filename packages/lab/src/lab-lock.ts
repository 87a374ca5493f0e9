import { linkSync, mkdirSync, readFileSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { PodwireError } from '@podwire/base';
import { labPaths } from './lab-paths.ts';
import { startTimeOf } from './pid-identity.ts';

/** The right to make or remove a lab; given back by release() or by the end of the process that holds it. */
export interface LabLock {
  release(): void;
}

/** Throws LAB_BUSY when another process makes or removes the lab now. A lock whose process is gone counts for nothing. */
export function lockLab(lab: string): LabLock {
  const { lockFile } = labPaths(lab);
  const directory = path.dirname(lockFile);
  const mine = `${process.pid} ${startTimeOf(process.pid)}\n`;
  const draft = `${lockFile}.${process.pid}`;
  for (;;) {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    try {
      writeFileSync(draft, mine, { mode: 0o600 });
      // link(2) fails if the name is taken, and the file is never seen half written.
      linkSync(draft, lockFile);
      return { release: () => release(lockFile, mine) };
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EEXIST') breakIfStale(lab, lockFile);
      // Another lab's lock was given back, and the empty directory removed with it.
      else if (code !== 'ENOENT') throw error;
    } finally {
      rmSync(draft, { force: true });
    }
  }
}

function breakIfStale(lab: string, lockFile: string): void {
  const holder = read(lockFile);
  if (holder === undefined) return;
  const [pid = '', startTime = ''] = holder.trim().split(' ');
  if (startTime !== '' && startTimeOf(Number(pid)) === startTime)
    throw new PodwireError(
      'LAB_BUSY',
      `lab "${lab}" is being started or removed by process ${pid} right now; wait until that has ended, or end it with "kill ${pid}"`,
    );
  const aside = `${lockFile}.${process.pid}.stale`;
  try {
    renameSync(lockFile, aside);
    // Somebody else may have broken the stale lock and taken it between the look and the rename.
    if (read(aside) !== holder) linkSync(aside, lockFile);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ENOENT' && code !== 'EEXIST') throw error;
  } finally {
    rmSync(aside, { force: true });
  }
}

function release(lockFile: string, mine: string): void {
  if (read(lockFile) === mine) rmSync(lockFile, { force: true });
  try {
    rmdirSync(path.dirname(lockFile));
  } catch {
    // Labs are still there.
  }
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}
