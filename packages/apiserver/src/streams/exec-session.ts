import type { Readable, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { messageOf } from '@podwire/base';
import type { ExecSession } from '@podwire/kube';

/** The client's ends of a command's streams, whatever protocol carries them. */
export interface ExecChannels {
  /** Absent when the client sends no input. */
  readonly stdin?: Readable;
  readonly stdout?: Writable;
  readonly stderr?: Writable;
  /** Calls back with each new size of the client's terminal. */
  onResize(take: (width: number, height: number) => void): void;
  /** Calls back when the client goes away. */
  onClose(take: () => void): void;
  /** Sends the outcome and closes. */
  finish(status: object): Promise<void>;
}

/** Connects a command to a client until both are done. Never rejects. */
export async function runSession(start: () => Promise<ExecSession>, channels: ExecChannels): Promise<void> {
  try {
    await channels.finish(await outcome(await start(), channels));
  } catch (error) {
    await channels.finish(failure('InternalError', messageOf(error), 500)).catch(() => {});
  }
}

async function outcome(session: ExecSession, channels: ExecChannels): Promise<object> {
  channels.onClose(() => session.kill());
  channels.onResize((width, height) => session.resize(width, height));
  connectInput(session, channels.stdin);
  const [code] = await Promise.all([
    session.exit,
    carry(session.stdout, channels.stdout),
    carry(session.stderr, channels.stderr),
  ]);
  return exitStatus(code);
}

function connectInput({ stdin }: ExecSession, from: Readable | undefined): void {
  stdin.on('error', () => {});
  if (!from) {
    stdin.end();
    return;
  }
  from.on('error', () => {}).pipe(stdin);
  // What a command no longer reads is thrown away, or it would hold up the rest of the connection.
  stdin.on('close', () => from.unpipe(stdin).resume());
}

async function carry(from: Readable, to: Writable | undefined): Promise<void> {
  if (!to) {
    from.on('error', () => {}).resume();
    return;
  }
  // A client that is gone, or a command that broke off, has its outcome in the exit code.
  await pipeline(from, to).catch(() => {});
}

/** The Status of a command that ended, as the kubelet writes it. */
export function exitStatus(code: number): object {
  if (code === 0) return { metadata: {}, status: 'Success' };
  const message = `command terminated with exit code ${code}`;
  const details = { causes: [{ reason: 'ExitCode', message: String(code) }] };
  return { metadata: {}, status: 'Failure', reason: 'NonZeroExitCode', message, details };
}

function failure(reason: string, message: string, code: number): object {
  return { metadata: {}, status: 'Failure', reason, message, code };
}

/** Reads `{"Width":80,"Height":24}` texts as they come, in one piece or many. */
export function resizeReader(take: (width: number, height: number) => void): (chunk: Buffer) => void {
  let text = '';
  return (chunk) => {
    text = (text + chunk.toString('latin1')).slice(-1024);
    for (let end = text.indexOf('}'); end >= 0; end = text.indexOf('}')) {
      const size = parseSize(text.slice(0, end + 1));
      text = text.slice(end + 1);
      if (size) take(size.Width, size.Height);
    }
  };
}

function parseSize(text: string): { Width: number; Height: number } | undefined {
  try {
    const { Width, Height } = JSON.parse(text) as { Width?: unknown; Height?: unknown };
    return isSize(Width) && isSize(Height) ? { Width, Height } : undefined;
  } catch {
    return undefined;
  }
}

function isSize(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= 0xffff;
}
