import { chmodSync } from 'node:fs';
import http from 'node:http';
import { messageOf } from '@podwire/base';
import { parseClusterConfig, type RoomStatus } from '@podwire/kube';
import { runChecks } from './check/run.ts';
import type { CheckRow, World } from './check/world.ts';
import type { Lab } from './lab.ts';
import type { NodeThread } from './node-thread.ts';

/** A line of the start-up as `podwire up` shows it. The last one has `ready` or `failed`. */
export interface Progress {
  readonly step?: string;
  readonly ms: number;
  readonly ready?: true;
  readonly failed?: string;
}

/** A request that is answered with this status and message. */
class Refusal extends Error {
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** The part of a lab that control needs. */
export type ControlledLab = Pick<Lab, 'nodes' | 'world' | 'takeDown' | 'bringUp'> & {
  readonly config: { readonly name: string };
};
type Checks = (world: World) => AsyncIterable<CheckRow>;

/**
 * The lab daemon's own HTTP on a unix socket only root can open: GET /progress (NDJSON until ready or failed), /status,
 * /plan?node=&room=, /diff?node=&room=, /idle; POST /check (NDJSON rows), /proxy-mode?mode=&node=,
 * /node?node=&state=down|up (a node loses power, and comes back). What goes wrong is
 * `{"error": "..."}` with status 404 for a node or room there is not, 409 for a second check at once, 500 otherwise; in a
 * stream that has begun it is the last line.
 */
export class Control {
  readonly #server: http.Server;
  readonly #lines: Progress[] = [];
  readonly #followers = new Set<http.ServerResponse>();
  readonly #checks: Checks;
  #lab: ControlledLab | undefined;
  #checking = false;

  constructor(checks: Checks = runChecks) {
    this.#checks = checks;
    this.#server = http.createServer((request, response) => {
      this.#answer(request, response).catch((error) => {
        const status = error instanceof Refusal ? error.status : 500;
        if (!response.headersSent) response.writeHead(status, { 'content-type': 'application/json' });
        response.end(`${JSON.stringify({ error: messageOf(error) })}\n`);
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

  ready(lab: ControlledLab, ms: number): void {
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
    if (url.pathname === '/check') return await this.#streamChecks(lab, response);
    const result = await (request.method === 'POST' ? answerOrder(lab, url) : answerQuery(lab, url));
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify(result));
  }

  /** One at a time: all checks use the same namespace. */
  async #streamChecks(lab: ControlledLab, response: http.ServerResponse): Promise<void> {
    if (this.#checking) throw new Refusal(409, 'a check is running already; wait until it has ended');
    this.#checking = true;
    try {
      response.setHeader('content-type', 'application/x-ndjson');
      for await (const row of this.#checks(lab.world)) {
        // Nobody listens any more: leaving the loop removes what the check made.
        if (response.destroyed) return;
        response.write(`${JSON.stringify(row)}\n`);
      }
    } finally {
      this.#checking = false;
    }
    response.end();
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

async function answerQuery(lab: ControlledLab, url: URL): Promise<unknown> {
  const room = url.searchParams.get('room') ?? undefined;
  const nodes = chosenNodes(lab, url.searchParams.get('node') ?? undefined, room);
  switch (url.pathname) {
    case '/status':
      return {
        name: lab.config.name,
        nodes: await Promise.all(nodes.map(async (n) => ({ node: n.nodeName, rooms: await statusOf(n) }))),
      };
    case '/plan':
      return await Promise.all(nodes.map(async (n) => ({ node: n.nodeName, rooms: await n.plan(room) })));
    case '/diff':
      return await Promise.all(nodes.map(async (n) => ({ node: n.nodeName, rooms: await n.diff(room) })));
    case '/idle':
      await lab.world.idle();
      return {};
    default:
      throw new Refusal(404, `there is no ${url.pathname}`);
  }
}

/** What became of a node's order to change its proxy mode; `error` when it stays with the one it has. */
export interface ProxyModeOutcome {
  readonly node: string;
  readonly error?: string;
}

async function answerOrder(lab: ControlledLab, url: URL): Promise<unknown> {
  if (url.pathname === '/node') return await changeNode(lab, url.searchParams);
  return await changeProxyMode(lab, url);
}

async function changeNode(lab: ControlledLab, query: URLSearchParams): Promise<object> {
  const [node] = chosenNodes(lab, query.get('node') ?? '', undefined);
  const state = query.get('state');
  if (state !== 'down' && state !== 'up') throw new Refusal(404, 'the state of a node is down or up');
  await (state === 'down' ? lab.takeDown(node?.nodeName ?? '') : lab.bringUp(node?.nodeName ?? ''));
  return {};
}

async function changeProxyMode(lab: ControlledLab, url: URL): Promise<readonly ProxyModeOutcome[]> {
  if (url.pathname !== '/proxy-mode') throw new Refusal(404, `there is no ${url.pathname} to be posted to`);
  const { proxyMode } = parseClusterConfig({ proxyMode: url.searchParams.get('mode') });
  const nodes = chosenNodes(lab, url.searchParams.get('node') ?? undefined, undefined);
  return await Promise.all(
    nodes.map(async (one): Promise<ProxyModeOutcome> => {
      const { nodeName: node } = one;
      try {
        await one.setProxyMode(proxyMode);
        return { node };
      } catch (error) {
        return { node, error: messageOf(error) };
      }
    }),
  );
}

function chosenNodes(lab: ControlledLab, node: string | undefined, room: string | undefined): readonly NodeThread[] {
  const nodes = lab.nodes.filter(({ nodeName }) => node === undefined || nodeName === node);
  const all = lab.nodes.map(({ nodeName }) => nodeName).join(', ');
  if (nodes.length === 0) throw new Refusal(404, `there is no node ${JSON.stringify(node)}; the nodes are: ${all}`);
  const rooms = nodes[0]?.rooms ?? [];
  if (room !== undefined && !rooms.includes(room))
    throw new Refusal(404, `there is no room ${JSON.stringify(room)}; the rooms are: ${rooms.join(', ')}`);
  return nodes;
}

/** Of a node whose agent does not answer: every room not ready, and why. */
async function statusOf(node: NodeThread): Promise<readonly RoomStatus[]> {
  try {
    return await node.status();
  } catch (error) {
    return node.rooms.map((room, i) => ({ room, ready: false, errors: i === 0 ? [messageOf(error)] : [], facts: {} }));
  }
}
