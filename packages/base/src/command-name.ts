import { realpathSync, statSync } from 'node:fs';
import path from 'node:path';

/** The launcher of a clone; where podwire was installed there is none. */
const LAUNCHER = path.resolve(import.meta.dirname, '../../../podwire');

interface Whereabouts {
  readonly launcher?: string;
  readonly directory?: string;
  /** As PATH of the environment. */
  readonly searchPath?: string;
}

/**
 * How whoever reads a hint calls podwire: `podwire` where it was installed or PATH leads to this clone, else the
 * launcher of the clone, e.g. `./podwire`.
 */
export function commandName(whereabouts: Whereabouts = {}): string {
  const { launcher = LAUNCHER, directory = process.cwd(), searchPath = process.env.PATH ?? '' } = whereabouts;
  if (!isFile(launcher)) return 'podwire';
  const onPath = searchPath
    .split(path.delimiter)
    .filter(path.isAbsolute)
    .map((one) => path.join(one, 'podwire'));
  if (onPath.some((file) => isFile(file) && realpathSync(file) === realpathSync(launcher))) return 'podwire';
  const way = path.relative(directory, launcher);
  // At the root are daemons, whose hints are read elsewhere.
  return way.startsWith('..') || directory === path.parse(directory).root ? launcher : `./${way}`;
}

const isFile = (file: string): boolean => statSync(file, { throwIfNoEntry: false })?.isFile() ?? false;
