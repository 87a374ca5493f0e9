import { chmodSync } from 'node:fs';
import http from 'node:http';
import { messageOf } from '@podwire/base';
import { runChecks } from './check/run.ts';
import type { Lab } from './lab.ts';

/** A line of the start-up as `podwire up` shows it. The last one has `ready` or `failed`. */
export interface Progress {
  readonly step?: string;
  readonly ms: number;
  readonly ready?: true;
  readonly failed?: string;
}

/**
 * The lab daemon's own HTTP on a unix socket only root can open: GET /progress (NDJSON until ready or failed), /status,
 * /plan?node=&room=, /diff?node=&room=, /idle; POST /check (NDJSON rows).
 */
export class Control {
  readonly #server: http.Server;
  readonly #lines: Progress[] = [];
  readonly #followers = new Set<http.ServerResponse>();
  #lab: Lab | undefined;

  constructor() {
    this.#server = http.createServer((request, response) => {
      this.#answer(request, response).catch((error) => {
        if (!response.headersSent) response.writeHead(500, { 'content-type': 'application/json' });
        response.end(JSON.stringify({ error: messageOf(error) }));
      });
    });
  }

  listen(socketPath: string): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject).listen(socketPath, () => {
        chmodSync(socketPath, 0o600);
        resolve();
      });
    });
  }

  report(line: Progress): void {
    this.#lines.push(line);
    for (const follower of this.#followers) send(follower, line);
  }

  ready(lab: Lab, ms: number): void {
    this.#lab = lab;
    this.report({ ms, ready: true });
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #answer(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://lab');
    if (url.pathname === '/progress') return this.#follow(response);
    const lab = this.#lab;
    if (!lab) throw new Error('the lab is still starting');
    if (url.pathname === '/check') return await streamChecks(lab, response);
    const result = await answerQuery(lab, url);
    if (result === undefined) response.writeHead(404);
    else response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(result ?? { error: `there is no ${url.pathname}` }));
  }

  #follow(response: http.ServerResponse): void {
    response.setHeader('content-type', 'application/x-ndjson');
    this.#followers.add(response);
    response.on('close', () => this.#followers.delete(response));
    for (const line of this.#lines) send(response, line);
  }
}

function send(response: http.ServerResponse, line: Progress): void {
  response.write(`${JSON.stringify(line)}\n`);
  if (line.ready || line.failed !== undefined) response.end();
}

async function answerQuery(lab: Lab, url: URL): Promise<unknown> {
  const node = url.searchParams.get('node') ?? undefined;
  const room = url.searchParams.get('room') ?? undefined;
  const nodes = lab.nodes.filter(({ nodeName }) => node === undefined || nodeName === node);
  switch (url.pathname) {
    case '/status':
      return {
        name: lab.config.name,
        nodes: await Promise.all(nodes.map(async (n) => ({ node: n.nodeName, rooms: await n.status() }))),
      };
    case '/plan':
      return await Promise.all(nodes.map(async (n) => ({ node: n.nodeName, rooms: await n.plan(room) })));
    case '/diff':
      return await Promise.all(nodes.map(async (n) => ({ node: n.nodeName, rooms: await n.diff(room) })));
    case '/idle':
      await lab.world.idle();
      return {};
    default:
      return undefined;
  }
}

async function streamChecks(lab: Lab, response: http.ServerResponse): Promise<void> {
  response.setHeader('content-type', 'application/x-ndjson');
  for await (const row of runChecks(lab.world)) response.write(`${JSON.stringify(row)}\n`);
  response.end();
}
