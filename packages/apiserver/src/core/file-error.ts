import { PodwireError } from '@podwire/base';

const ADVICE: Readonly<Record<string, string>> = {
  EACCES: 'choose one this user may write, or give this user the right',
  EPERM: 'choose one this user may write, or give this user the right',
  EROFS: 'it is on a read-only file system; choose another one',
  ENOSPC: 'the disk is full; make room or choose another one',
  EDQUOT: 'the quota of this user is used up; make room or choose another one',
  ENOTDIR: 'a part of the path is a file; choose another one',
  EEXIST: 'there is a file of that name; choose another one',
  EISDIR: 'there is a directory of that name; choose another one',
};

/** Runs what opens files under a path; what the system refuses becomes APISERVER_DIRECTORY with what to do. */
export async function withFiles<T>(path: string | undefined, open: () => Promise<T>): Promise<T> {
  try {
    return await open();
  } catch (cause) {
    const { code = '', message } = cause as NodeJS.ErrnoException;
    const advice = ADVICE[code];
    if (path === undefined || cause instanceof PodwireError || advice === undefined) throw cause;
    throw new PodwireError('APISERVER_DIRECTORY', `cannot use ${path}: ${message}; ${advice}`, { cause });
  }
}
