import type { Server, ServerResponse } from 'node:http';
import { PodwireError } from '@podwire/base';
import type { RoomStatus } from '@podwire/kube';
import type { AGENT_ERRORS } from './errors.ts';
import { formatMetrics } from './metrics.ts';

export interface AgentServerOptions {
  readonly address: string;
  readonly port: number;
  readonly version: string;
  readonly nodeName: string;
  /** Empty until the agent has started. */
  readonly status: () => readonly RoomStatus[];
  /** What keeps it from starting; undefined: nothing is known. */
  readonly hindrance?: () => string | undefined;
}

export interface AgentServer {
  readonly port: number;
  close(): void;
}

/**
 * Answers GET: /livez, /readyz and /healthz (200 when every room is in force, else 503 and what is wrong), /metrics.
 * Throws AGENT_PORT when the port cannot be had.
 */
export async function serveAgent(options: AgentServerOptions): Promise<AgentServer> {
  // an import would load all that Node's http can do, fetch and WebSocket among it
  const { createServer } = process.getBuiltinModule('node:http');
  const server = createServer((request, response) => {
    const path = request.url?.split('?')[0] ?? '';
    if (request.method !== 'GET' && request.method !== 'HEAD') send(response, 405, 'only GET is answered\n');
    else answer(response, path, options);
  });
  server.requestTimeout = 5000;
  server.maxConnections = 64;
  await listening(server, options);
  const place = server.address();
  return {
    port: typeof place === 'object' && place ? place.port : options.port,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

function listening(server: Server, { address, port }: AgentServerOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      const why = `health and metrics cannot be served at ${address} port ${port}: ${cause.message}; choose another port`;
      reject(new PodwireError('AGENT_PORT' satisfies keyof typeof AGENT_ERRORS, why, { cause }));
    });
    server.listen(port, address, resolve);
  });
}

function answer(response: ServerResponse, path: string, options: AgentServerOptions): void {
  const { version, nodeName, status, hindrance } = options;
  const rooms = status();
  if (path === '/livez') send(response, 200, 'ok\n');
  else if (path === '/readyz' || path === '/healthz') {
    const missing = rooms.filter(({ ready }) => !ready).map(({ room, errors }) => `${room}: ${errors.join('; ')}\n`);
    if (rooms.length === 0) missing.push(`the agent is starting: ${hindrance?.() ?? 'the rooms come up'}\n`);
    send(response, missing.length > 0 ? 503 : 200, missing.join('') || 'ok\n');
  } else if (path === '/metrics') {
    const { user, system } = process.cpuUsage();
    const facts = { version, nodeName, residentMemory: process.memoryUsage.rss(), cpuSeconds: (user + system) / 1e6 };
    send(response, 200, formatMetrics(rooms, facts), 'text/plain; version=0.0.4; charset=utf-8');
  } else send(response, 404, 'there are /livez, /readyz, /healthz and /metrics\n');
}

function send(response: ServerResponse, status: number, body: string, type = 'text/plain; charset=utf-8'): void {
  response.writeHead(status, { 'content-type': type });
  response.end(body);
}
