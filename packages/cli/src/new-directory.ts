import { existsSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { PodwireError } from '@podwire/base';

/**
 * Makes what is missing of a path, one level after the other: Node's own recursive mkdir goes on for ever where a directory
 * that exists takes no others and says so with ENOENT, as /proc does. Throws CLI_DIRECTORY there; what else is refused is
 * for those to say who open files in it.
 */
export function makeDirectory(directory: string): void {
  const missing: string[] = [];
  for (let at = path.resolve(directory); !existsSync(at); at = path.dirname(at)) missing.unshift(at);
  for (const at of missing) {
    try {
      mkdirSync(at, { mode: 0o700 });
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') return;
      const why = `cannot use ${directory}: ${path.dirname(at)} takes no directories of ours; choose another one`;
      throw new PodwireError('CLI_DIRECTORY', why, { cause });
    }
  }
}
