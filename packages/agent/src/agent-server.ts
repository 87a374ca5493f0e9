import type { Server, ServerResponse } from 'node:http';
import { type MetricFamily, PodwireError } from '@podwire/base';
import type { ClusterConfig, RoomStatus } from '@podwire/kube';
import type { AGENT_ERRORS } from './errors.ts';
import { agentMetrics } from './metrics.ts';
import { formatMetrics, METRICS_TYPE } from './metrics-text.ts';

export interface AgentServerOptions {
  readonly address: string;
  readonly port: number;
  readonly version: string;
  readonly nodeName: string;
  /** Empty until the agent has started. */
  readonly status: () => readonly RoomStatus[];
  /** The kinds of the API server that cannot be read and why, one entry a reason: `Node, Service: no answer`. */
  readonly unreadable?: () => readonly string[];
  /** What the rooms count. */
  readonly metrics?: () => readonly MetricFamily[];
  /** undefined: the room services does not run, or not yet. */
  readonly proxyMode?: () => ClusterConfig['proxyMode'] | undefined;
}

export interface AgentServer {
  readonly port: number;
  close(): void;
}

/**
 * Answers GET: /livez, /readyz and /healthz (200 when every room is in force, else 503 and what is wrong;
 * with ?verbose all that is wrong, as an API server that was lost, without which traffic goes on), /metrics,
 * /proxyMode (how Services are balanced).
 * Throws AGENT_PORT when the port cannot be had.
 */
export async function serveAgent(options: AgentServerOptions): Promise<AgentServer> {
  // an import would load all that Node's http can do, fetch and WebSocket among it
  const { createServer } = process.getBuiltinModule('node:http');
  const server = createServer((request, response) => {
    const [path = '', query = ''] = request.url?.split('?') ?? [];
    const read = request.method === 'GET' || request.method === 'HEAD';
    const verbose = query.split('&').some((part) => part === 'verbose' || part.startsWith('verbose='));
    send(response, read ? answer(path, options, verbose) : [405, 'only GET is answered\n']);
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

type Answer = readonly [status: number, body: string, type?: string];

const PATHS: Readonly<Record<string, (options: AgentServerOptions, verbose: boolean) => Answer>> = {
  '/livez': () => [200, 'ok\n'],
  '/readyz': readiness,
  '/healthz': readiness,
  '/metrics': (options) => [200, metricsPage(options), METRICS_TYPE],
  // without a line end: kube-proxy's answer, which programs compare
  '/proxyMode': ({ proxyMode }) => {
    const mode = proxyMode?.();
    return mode === undefined ? [404, 'no service proxy runs here\n'] : [200, mode];
  },
};

function answer(path: string, options: AgentServerOptions, verbose: boolean): Answer {
  const known = Object.hasOwn(PATHS, path) ? PATHS[path] : undefined;
  return known?.(options, verbose) ?? [404, `there are ${Object.keys(PATHS).join(', ')}\n`];
}

function readiness({ status, unreadable }: AgentServerOptions, verbose: boolean): Answer {
  const rooms = status();
  const unread = (unreadable?.() ?? []).map((what) => `cannot read ${what}`);
  const missing = rooms.filter(({ ready }) => !ready).map(({ room, errors }) => `${room}: ${errors.join('; ')}\n`);
  if (rooms.length === 0) missing.push(`the agent is starting: ${unread.join('; ') || 'the rooms come up'}\n`);
  const server = { room: 'api-server', ready: unread.length === 0, errors: unread };
  const text = verbose && rooms.length > 0 ? [...rooms, server].map(describeRoom).join('') : missing.join('');
  return [missing.length > 0 ? 503 : 200, text || 'ok\n'];
}

/** A room can be in force and have errors: of one Service, say. */
function describeRoom({ room, ready, errors }: Omit<RoomStatus, 'facts'>): string {
  return [`[${ready ? '+' : '-'}]${room} ${ready ? 'ok' : 'failed'}\n`, ...errors.map((error) => `   ${error}\n`)].join(
    '',
  );
}

function metricsPage({ version, nodeName, status, unreadable, metrics }: AgentServerOptions): string {
  const { user, system } = process.cpuUsage();
  const used = { residentMemory: process.memoryUsage.rss(), cpuSeconds: (user + system) / 1e6 };
  const facts = { version, nodeName, readable: (unreadable?.() ?? []).length === 0, ...used };
  return formatMetrics([...agentMetrics(status(), facts), ...(metrics?.() ?? [])]);
}

function send(response: ServerResponse, [status, body, type = 'text/plain; charset=utf-8']: Answer): void {
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) });
  response.end(body);
}
