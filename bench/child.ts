import { type ChildProcess, fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { AGENT_NODE_FLAGS } from '../packages/agent/src/memory.ts';
import { API_SERVER_NODE_FLAGS } from '../packages/apiserver/src/node-flags.ts';
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

/** Starts a program of this folder as agents are started. */
export function forkAgent(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): ChildProcess {
  return fork(path.join(import.meta.dirname, program), args, {
    env,
    execArgv: [...process.execArgv, ...AGENT_NODE_FLAGS],
  });
}

/** Starts a program of this folder as API servers are started. */
export function forkApiServer(program: string): ChildProcess {
  return fork(path.join(import.meta.dirname, program), { execArgv: [...process.execArgv, ...API_SERVER_NODE_FLAGS] });
}

/** The next message of a forked program; throws when it ends instead. */
export async function messageFrom<T>(child: ChildProcess): Promise<T> {
  const ended = new AbortController();
  const death = once(child, 'exit', { signal: ended.signal }).then(([code, signal]) => {
    throw new Error(`the program ended (${signal ?? code}) instead of answering`);
  });
  try {
    const [message] = await Promise.race([once(child, 'message', { signal: ended.signal }), death]);
    return message as T;
  } finally {
    ended.abort();
    death.catch(() => {});
  }
}

/** Ends a forked program that goes when its parent disconnects, and waits until it is gone. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  if (child.connected) child.disconnect();
  await exit;
}
