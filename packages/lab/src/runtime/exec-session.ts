import { PassThrough, Writable } from 'node:stream';
import type { ExecSession } from '@podwire/kube';
import type { ContainerSpec, ExecRequest } from './container-engine.ts';
import { exitOf, signalGroup, startInPod, startOnTerminal } from './pod-command.ts';

/** Runs a command in a container's namespaces; with `tty` on a terminal of its own. Throws LAB_CONTAINER_START. */
export function execInPod(spec: ContainerSpec, { command, tty, stdin }: ExecRequest): ExecSession {
  if (tty) return execOnTerminal(spec, command, stdin);
  const child = startInPod(spec, command);
  if (!child.stdin || !child.stdout || !child.stderr) throw new Error('a child with pipes has no pipes');
  child.stdin.on('error', () => {});
  if (!stdin) child.stdin.end();
  return {
    stdin: child.stdin,
    stdout: child.stdout,
    stderr: child.stderr,
    exit: exitOf(child),
    resize: () => {},
    kill: () => void signalGroup(child, 'SIGKILL'),
  };
}

function execOnTerminal(spec: ContainerSpec, command: readonly string[], stdin: boolean): ExecSession {
  const { child, terminal } = startOnTerminal(spec, command);
  return {
    stdin: stdin ? terminal.input : discardInput(),
    stdout: terminal.output,
    stderr: emptyStream(),
    exit: exitOf(child).finally(() => terminal.drained()),
    resize: (width, height) => terminal.resize(width, height),
    kill: () => {
      signalGroup(child, 'SIGKILL');
      terminal.close();
    },
  };
}

export function emptyStream(): PassThrough {
  return new PassThrough().end();
}

export function discardInput(): Writable {
  return new Writable({ write: (_chunk, _encoding, done) => done() });
}

/** The session of a command that is played: all its output at once, then its exit code. */
export function finishedSession(result: Promise<{ stdout?: string; stderr?: string; code: number }>): ExecSession {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const exit = result.then((r) => {
    stdout.end(r.stdout ?? '');
    stderr.end(r.stderr ?? '');
    return r.code;
  });
  return { stdin: discardInput(), stdout, stderr, exit, resize: () => {}, kill: () => {} };
}

export interface Limits {
  /** In ms; the command is killed after it. */
  readonly timeout: number;
  /** Output beyond this is thrown away. */
  readonly bytes: number;
}

export interface CommandResult {
  readonly code: number;
  /** stdout and stderr together. */
  readonly output: string;
  readonly timedOut: boolean;
}

/** Runs a command to its end; what a played shell needs. */
export async function runInPod(
  spec: ContainerSpec,
  command: readonly string[],
  limits: Limits,
): Promise<CommandResult> {
  return collectOutput(execInPod(spec, { command, tty: false, stdin: false }), limits);
}

export async function collectOutput(session: ExecSession, limits: Limits): Promise<CommandResult> {
  const chunks: Buffer[] = [];
  let size = 0;
  const collect = (chunk: Buffer): void => {
    if (size < limits.bytes) chunks.push(chunk.subarray(0, limits.bytes - size));
    size += chunk.length;
  };
  session.stdout.on('data', collect);
  session.stderr.on('data', collect);
  let timedOut = false;
  const timer = setTimeout(() => {
    timedOut = true;
    session.kill();
  }, limits.timeout);
  try {
    const code = await session.exit;
    return { code, output: Buffer.concat(chunks).toString(), timedOut };
  } finally {
    clearTimeout(timer);
  }
}
