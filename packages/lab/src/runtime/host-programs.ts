import fs from 'node:fs';
import path from 'node:path';

export const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Whether the host can run a program, looked up as execvp(3) would with this PATH. */
export function hostHas(program: string, searchPath = DEFAULT_PATH): boolean {
  if (program === '') return false;
  if (program.includes('/')) return isExecutable(program);
  return searchPath.split(':').some((directory) => directory !== '' && isExecutable(path.join(directory, program)));
}

function isExecutable(file: string): boolean {
  try {
    fs.accessSync(file, fs.constants.X_OK);
    return fs.statSync(file).isFile();
  } catch {
    return false;
  }
}
