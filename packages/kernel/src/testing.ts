import { randomBytes } from 'node:crypto';
import { createNetns, deleteNetns, type Netns } from './netns/netns.ts';

/**
 * For tests: runs `fn` with fresh network namespaces of random names (prefix `pwt-`), lo up, and removes them whatever
 * happens. Pass as many parameters as `count` says.
 */
export async function withNetns<T>(count: number, fn: (...namespaces: Netns[]) => T | Promise<T>): Promise<T> {
  const made: Netns[] = [];
  try {
    const suffix = randomBytes(4).toString('hex');
    for (let i = 0; i < count; i++) made.push(createNetns(`pwt-${suffix}-${i}`));
    return await fn(...made);
  } finally {
    for (const netns of made) {
      netns.close();
      if (netns.name !== undefined) deleteNetns(netns.name);
    }
  }
}
