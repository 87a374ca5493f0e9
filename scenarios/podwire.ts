import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ROOT } from '../tools/steps.ts';

const PODWIRE = path.join(ROOT, 'podwire');

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `./podwire ARGS`; the exit code is a value, not a throw. */
export function podwire(args: readonly string[], input = ''): Promise<Ran> {
  return run(PODWIRE, args, { input });
}

export function run(
  command: string,
  args: readonly string[],
  { input = '', env = {} }: { input?: string; env?: Record<string, string> } = {},
): Promise<Ran> {
  return new Promise((resolve) => {
    const child = execFile(
      command,
      args,
      { timeout: 600_000, maxBuffer: 1 << 26, env: { ...process.env, ...env } },
      (error, stdout, stderr) => {
        resolve({ code: error ? (typeof error.code === 'number' ? error.code : 1) : 0, stdout, stderr });
      },
    );
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
}

export function start(command: string, args: readonly string[], env: Record<string, string>): ChildProcess {
  return spawn(command, args, { env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
}

/** A lab of a test's own: a name and API port nobody else uses, removed at the end whatever happens. */
export class TestLab {
  readonly name = `t${randomBytes(3).toString('hex')}`;
  readonly apiPort = freePort();

  up(...args: string[]): Promise<Ran> {
    return podwire(['up', '--name', this.name, '--api-port', String(this.apiPort), ...args]);
  }

  run(command: string, ...args: string[]): Promise<Ran> {
    return podwire([command, '--name', this.name, ...args]);
  }

  exec(pod: string, ...command: string[]): Promise<Ran> {
    return this.run('exec', pod, '--', ...command);
  }

  /** In one of the lab's own namespaces: `outside`, `router`, `node-1`... */
  inNetns(role: string, command: string, ...args: string[]): Promise<Ran> {
    return run('ip', ['netns', 'exec', `pw-${this.name}-${role}`, command, ...args]);
  }

  get kubeconfig(): string {
    return `/run/podwire/${this.name}/kubeconfig`;
  }

  down(): Promise<Ran> {
    return podwire(['down', '--name', this.name]);
  }
}

/** Nobody has it now; proc_net_tcp. */
function freePort(): number {
  const sockets = ['tcp', 'tcp6'].map((file) => readFileSync(`/proc/net/${file}`, 'utf8')).join('');
  for (;;) {
    const port = randomInt(20_000, 26_000);
    if (!sockets.includes(`:${port.toString(16).toUpperCase()} `)) return port;
  }
}

/** Looks again until it holds; throws what was seen last. */
export async function eventually<T>(look: () => Promise<T>, holds: (value: T) => boolean, seconds = 300): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const value = await look();
    if (holds(value)) return value;
    if (Date.now() > deadline) throw new Error(`not within ${seconds} s; last seen: ${JSON.stringify(value)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
