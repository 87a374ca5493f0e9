import { type ExecChannels, resizeReader } from './exec-session.ts';
import type { SpdyConnection, SpdyStream } from './spdy-connection.ts';

/** Protocols this speaks, newest first; in both the outcome is a Status on the error stream. */
export const SPDY_EXEC_PROTOCOLS: readonly string[] = ['v5.channel.k8s.io', 'v4.channel.k8s.io'];

const WAIT = 30_000;

/** The streams the client will open, by its own request. */
export function expectedStreams(query: URLSearchParams): readonly string[] {
  const tty = isSet(query, 'tty');
  const wanted = [
    ['stdin', isSet(query, 'stdin')],
    ['stdout', isSet(query, 'stdout')],
    ['stderr', isSet(query, 'stderr') && !tty],
    ['resize', tty],
  ] as const;
  return ['error', ...wanted.filter(([, asked]) => asked).map(([name]) => name)];
}

export function isSet(query: URLSearchParams, name: string): boolean {
  const value = query.get(name);
  return value === 'true' || value === '1';
}

/** exec and attach over SPDY/3.1; undefined when the client does not open its streams in time. */
export async function spdyChannels(
  connection: SpdyConnection,
  expected: readonly string[],
): Promise<ExecChannels | undefined> {
  const streams = await collect(connection, expected);
  const error = streams?.get('error');
  if (!streams || !error) {
    connection.end();
    return undefined;
  }
  const optional = (name: 'stdin' | 'stdout' | 'stderr'): Partial<ExecChannels> => {
    const stream = streams.get(name);
    return stream ? { [name]: stream } : {};
  };
  for (const name of ['stdout', 'stderr', 'error']) streams.get(name)?.resume();
  return {
    ...optional('stdin'),
    ...optional('stdout'),
    ...optional('stderr'),
    onResize: (take) => {
      streams.get('resize')?.on('data', resizeReader(take));
    },
    onClose: (take) => {
      connection.on('close', take);
    },
    finish: (status) =>
      new Promise((resolve) => {
        error.end(JSON.stringify(status), () => {
          connection.end();
          resolve();
        });
      }),
  };
}

function collect(
  connection: SpdyConnection,
  expected: readonly string[],
): Promise<ReadonlyMap<string, SpdyStream> | undefined> {
  const streams = new Map<string, SpdyStream>();
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(undefined), WAIT).unref();
    connection.on('close', () => {
      clearTimeout(timer);
      resolve(undefined);
    });
    connection.on('stream', (stream) => {
      streams.set(stream.headers.get('streamtype') ?? '', stream);
      if (!expected.every((name) => streams.has(name))) return;
      clearTimeout(timer);
      resolve(streams);
    });
  });
}
