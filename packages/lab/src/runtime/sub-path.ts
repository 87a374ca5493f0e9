import fs from 'node:fs';
import path from 'node:path';
import { messageOf, PodwireError } from '@podwire/base';

/**
 * Where a path within a volume that containers write to is on the machine; directories that are missing are made. Throws
 * LAB_VOLUME when it leads out of the volume, also by links that a container made there.
 */
export function placeInVolume(volume: string, inside: string): string {
  try {
    const top = fs.realpathSync(volume);
    return inside
      .split('/')
      .filter((part) => part !== '' && part !== '.')
      .reduce((at, part) => step(top, path.join(at, part)), top);
  } catch (cause) {
    const why = `failed to prepare subPath ${JSON.stringify(inside)}: ${messageOf(cause)}`;
    throw new PodwireError('LAB_VOLUME', why, { cause });
  }
}

function step(top: string, to: string): string {
  if (!fs.existsSync(to)) fs.mkdirSync(to);
  const at = fs.realpathSync(to);
  if (/^\.\.(\/|$)/.test(path.relative(top, at))) throw new Error('it leads out of the volume');
  return at;
}
