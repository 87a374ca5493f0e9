import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Netns } from '../netns/netns.ts';

/** A link that has just been raised drops what is sent until the kernel has seen its carrier; waits for that, for a minute. */
export async function untilLinkReady(netns: Netns, link: string): Promise<void> {
  const isReady = () =>
    / state UP /.test(execFileSync('ip', ['-n', netns.name ?? '', 'link', 'show', link]).toString());
  for (let i = 0; i < 3000 && !isReady(); i++) await sleep(20);
}
