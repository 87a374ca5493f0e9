import { spawnSync } from 'node:child_process';
import type { Netns } from '../packages/kernel/src/index.ts';

/** Runs a program inside the netns, without the cost of `ip netns exec`; throws when it fails. */
export function runInside(netns: Netns, command: string, args: readonly string[], input?: string): void {
  const options = { encoding: 'utf8', maxBuffer: 1 << 28, ...(input !== undefined && { input }) } as const;
  const { status, stderr, error } = netns.run(() => spawnSync(command, args, options));
  if (error) throw error;
  if (status !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${status}: ${stderr.slice(0, 500)}`);
}

/** Lines of ip(8) without the leading `ip`. */
export function ip(netns: Netns, ...lines: readonly string[]): void {
  runInside(netns, 'ip', ['-batch', '-'], lines.join('\n'));
}
