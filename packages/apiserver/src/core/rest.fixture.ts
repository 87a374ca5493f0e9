import { mkdtemp, readFile, rm } from 'node:fs/promises';
import http from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { KubeClient } from '@podwire/kube';
import { type ApiServer, type ApiServerOptions, startApiServer } from '../server.ts';

export interface Reply {
  readonly code: number;
  readonly text: string;
  readonly warnings: readonly string[];
  // biome-ignore lint/suspicious/noExplicitAny: whatever was answered
  readonly body: any;
}

export interface Bench {
  readonly server: ApiServer;
  readonly socketPath: string;
  readonly client: KubeClient;
  /** `PATCH /api/v1/...`; a text is sent as it is, data as JSON; `type` is the content type. */
  ask(line: string, body?: unknown, type?: string): Promise<Reply>;
  /** Resolves when the answer has begun, with what reads it to its end. */
  open(path: string): Promise<() => Promise<string>>;
}

/** The lines of an audit file, once there are as many and one matches: they are written when answers have ended. */
export async function auditLines(file: string, pattern: RegExp, count = 1): Promise<readonly string[]> {
  for (let tries = 0; tries < 3000; tries++) {
    const lines = (await readFile(file, 'utf8')).trimEnd().split('\n');
    if (lines.length >= count && lines.some((line) => pattern.test(line))) return lines;
    await setTimeout(10);
  }
  throw new Error(`no line of ${file} matches ${pattern}`);
}

/** A server that is asked over HTTP, as its administrator. */
export async function restBench(t: TestContext, options: ApiServerOptions = {}): Promise<Bench> {
  const directory = await mkdtemp(path.join(tmpdir(), 'podwire-rest-'));
  const socketPath = path.join(directory, 'api.sock');
  const server = await startApiServer(options);
  await server.listenUnix(socketPath);
  t.after(async () => {
    await server.close();
    await rm(directory, { recursive: true, force: true });
  });
  return {
    server,
    socketPath,
    client: server.client(),
    ask: (line, body, type) => ask(socketPath, line, { body, type }),
    open: async (path) => {
      const answer = await send(socketPath, `GET ${path}`, '');
      return async () => (await answer.toArray()).join('');
    },
  };
}

function send(socketPath: string, line: string, text: string, type?: string): Promise<http.IncomingMessage> {
  const [method, url] = line.split(' ');
  const headers = { 'content-length': Buffer.byteLength(text), ...(type ? { 'content-type': type } : {}) };
  const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
  const request = http.request({ socketPath, method, path: url, headers, agent: false });
  request.on('response', resolve).on('error', reject).end(text);
  return promise;
}

interface Sent {
  readonly body: unknown;
  readonly type: string | undefined;
}

async function ask(socketPath: string, line: string, { body, type }: Sent): Promise<Reply> {
  const text = typeof body === 'string' ? body : (JSON.stringify(body) ?? '');
  const usual = line.startsWith('PATCH') ? 'application/merge-patch+json' : 'application/json';
  const answer = await send(socketPath, line, text, type ?? usual);
  const answered = (await answer.toArray()).join('');
  const warnings = [answer.headers.warning ?? []].flat();
  const isJson = answered !== '' && answer.headers['content-type']?.startsWith('application/json');
  return { code: answer.statusCode ?? 0, text: answered, warnings, body: isJson ? JSON.parse(answered) : undefined };
}
