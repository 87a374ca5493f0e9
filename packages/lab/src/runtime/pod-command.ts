import type { ChildProcess } from 'node:child_process';
import os from 'node:os';
import { messageOf, PodwireError } from '@podwire/base';
import { spawnIn } from '@podwire/kernel';
import type { ContainerSpec } from './container-engine.ts';
import { commandAs } from './container-user.ts';
import { DEFAULT_PATH, hostHas } from './host-programs.ts';
import { Terminal } from './terminal.ts';

/**
 * Starts a program of the host in the container's namespaces, leader of a session and process group; with a terminal, or
 * with pipes. Throws LAB_CONTAINER_START.
 */
export function startInPod(spec: ContainerSpec, argv: readonly string[], terminal?: Terminal): ChildProcess {
  const { sandbox, mounts, user } = spec;
  const [program = ''] = argv;
  const env = { PATH: DEFAULT_PATH, HOME: '/root', ...spec.env, ...(terminal ? { TERM: 'xterm' } : {}) };
  if (!hostHas(mounts.sourceOf(program), env.PATH)) {
    throw new PodwireError(
      'LAB_CONTAINER_START',
      `exec: ${JSON.stringify(program)}: executable file not found in $PATH of the host, whose programs podwire runs in pods`,
    );
  }
  const { uid, gid, groups } = user;
  const line = terminal ? terminal.command(argv) : argv;
  const [command = '', ...args] = groups ? commandAs(user, line) : line;
  try {
    return spawnIn({ netns: sandbox.netns, hostname: sandbox.hostname, mounts: mounts.namespace }, command, args, {
      env,
      cwd: spec.workingDirectory ?? '/',
      detached: true,
      stdio: terminal?.stdio ?? 'pipe',
      ...(groups ? {} : { uid, gid }),
    });
  } catch (cause) {
    throw new PodwireError('LAB_CONTAINER_START', `cannot start ${JSON.stringify(program)}: ${messageOf(cause)}`, {
      cause,
    });
  }
}

/** Starts a program with a terminal of its own, which hangs up when it cannot be started. */
export function startOnTerminal(
  spec: ContainerSpec,
  argv: readonly string[],
): { readonly child: ChildProcess; readonly terminal: Terminal } {
  const terminal = new Terminal(spec.user);
  try {
    return { child: startInPod(spec, argv, terminal), terminal };
  } catch (error) {
    terminal.close();
    throw error;
  }
}

/** Signals the whole process group; false when it is gone. */
export function signalGroup(child: ChildProcess, signal: NodeJS.Signals): boolean {
  if (child.pid === undefined) return false;
  try {
    return process.kill(-child.pid, signal);
  } catch {
    return false;
  }
}

/** How long output is waited for after the exit, in ms: a daemon may hold the pipe for ever. */
const OUTPUT_GRACE = 100;
/**
 * In so many turns of the event loop at least: the exit may be told a turn before the output is read, and when this thread
 * stands still in between, all timers are late.
 */
const TURNS = 10;

/** The exit code, 128 + n after signal n, once the output is read. Rejects when the program did not start. */
export function exitOf(child: Pick<ChildProcess, 'once'>): Promise<number> {
  return new Promise((resolve, reject) => {
    child.once('error', (cause) => reject(new PodwireError('LAB_CONTAINER_START', messageOf(cause), { cause })));
    child.once('exit', (code, signal) => {
      const result = code ?? 128 + (signal ? os.constants.signals[signal] : 0);
      let timer: NodeJS.Timeout | undefined;
      const wait = (turns: number): void => {
        timer = setTimeout(() => (turns > 1 ? wait(turns - 1) : resolve(result)), OUTPUT_GRACE / TURNS);
      };
      wait(TURNS);
      child.once('close', () => {
        clearTimeout(timer);
        resolve(result);
      });
    });
  });
}
