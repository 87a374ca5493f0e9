import http2 from 'node:http2';
import { messageOf, PodwireError } from '@podwire/base';
import { connectTcp, type Netns } from '@podwire/kernel';
import { httpGet } from '../players/exchange.ts';
import type { Container } from './container-environment.ts';
import { secondsToDelay } from './delay.ts';
import type { CommandResult } from './exec-session.ts';
import { type Probe, portNumber, probeHeaders } from './probe-target.ts';

/** Where probes start and whom they ask. */
export interface ProbePlace {
  /** The node's namespace: probes come from the node, as the kubelet's do. */
  readonly netns: Netns;
  readonly podIp: string;
  readonly container: Container;
  exec(command: readonly string[], timeout: number): Promise<CommandResult>;
}

export interface ProbeResult {
  readonly ok: boolean;
  /** Why not, in the kubelet's words. */
  readonly message: string;
}

const passed: ProbeResult = { ok: true, message: '' };

/** One try of a probe; never rejects. A probe without an action fails. */
export async function callProbe(probe: Probe, place: ProbePlace): Promise<ProbeResult> {
  const timeout = secondsToDelay(probe.timeoutSeconds ?? 1);
  try {
    if (probe.exec) return await callExec(probe.exec.command ?? [], place, timeout);
    if (probe.httpGet) return await callHttp(probe.httpGet, place, timeout);
    if (probe.tcpSocket) return await callTcp(probe.tcpSocket.port, probe.tcpSocket.host, place, timeout);
    if (probe.grpc) return await callGrpc(probe.grpc, place, timeout);
    return { ok: false, message: 'the probe has no action' };
  } catch (error) {
    return { ok: false, message: messageOf(error) };
  }
}

async function callExec(command: readonly string[], place: ProbePlace, timeout: number): Promise<ProbeResult> {
  const { code, output, timedOut } = await place.exec(command, timeout);
  if (timedOut)
    return {
      ok: false,
      message: `command timed out: ${JSON.stringify(command.join(' '))} timed out after ${timeout / 1000}s`,
    };
  return { ok: code === 0, message: output };
}

export async function callHttp(
  get: NonNullable<Probe['httpGet']>,
  place: ProbePlace,
  timeout: number,
): Promise<ProbeResult> {
  const port = portNumber(get.port, place.container);
  if (port === undefined) return unknownPort(get.port);
  const address = get.host || place.podIp;
  const scheme = (get.scheme ?? 'HTTP').toLowerCase();
  const path = (get.path || '/').startsWith('/') ? get.path || '/' : `/${get.path}`;
  try {
    const { status } = await httpGet(
      { netns: place.netns, address, port, timeout },
      { path, headers: probeHeaders(get, address, port), tls: scheme === 'https', limit: 10_240 },
    );
    return status >= 200 && status < 400
      ? passed
      : { ok: false, message: `HTTP probe failed with statuscode: ${status}` };
  } catch (error) {
    return { ok: false, message: `Get "${scheme}://${address}:${port}${path}": ${dialMessage(error, address, port)}` };
  }
}

async function callTcp(
  named: number | string,
  host: string | undefined,
  place: ProbePlace,
  timeout: number,
): Promise<ProbeResult> {
  const port = portNumber(named, place.container);
  if (port === undefined) return unknownPort(named);
  const address = host || place.podIp;
  try {
    (await connectTcp({ netns: place.netns, address, port, timeout })).destroy();
    return passed;
  } catch (error) {
    return { ok: false, message: dialMessage(error, address, port) };
  }
}

/** In the words of Go's dialer, which people search for. */
function dialMessage(error: unknown, address: string, port: number): string {
  const errno = error instanceof PodwireError && error.code === 'KERNEL_CONNECT' ? error.details.errnoName : undefined;
  if (errno === undefined) return messageOf(error);
  const why =
    errno === 'ECONNREFUSED' ? 'connect: connection refused' : errno === 'ETIMEDOUT' ? 'i/o timeout' : String(errno);
  return `dial tcp ${address}:${port}: ${why}`;
}

function unknownPort(port: number | string | undefined): ProbeResult {
  return { ok: false, message: `couldn't find port: ${JSON.stringify(port)}` };
}

const SERVING = 1;

/** grpc.health.v1.Health/Check (github.com/grpc/grpc health-checking protocol), in clear text. */
async function callGrpc(grpc: NonNullable<Probe['grpc']>, place: ProbePlace, timeout: number): Promise<ProbeResult> {
  const { port } = grpc;
  const target = { netns: place.netns, address: place.podIp, port, timeout };
  const socket = await connectTcp(target).catch((error: unknown) => dialMessage(error, place.podIp, port));
  if (typeof socket === 'string') return { ok: false, message: `error: ${socket}` };
  const session = http2.connect(`http://${place.podIp}:${port}`, { createConnection: () => socket });
  try {
    const { status, body } = await healthCheck(session, grpc.service ?? '', timeout);
    if (status !== '0') return { ok: false, message: `error: health rpc probe failed: grpc-status ${status}` };
    const state = body.length >= 7 && body[5] === 0x08 ? body[6] : 0;
    return state === SERVING
      ? passed
      : {
          ok: false,
          message: `service unhealthy (responded with ${JSON.stringify(state === 2 ? 'NOT_SERVING' : 'UNKNOWN')})`,
        };
  } finally {
    session.destroy();
    socket.destroy();
  }
}

function healthCheck(
  session: http2.ClientHttp2Session,
  service: string,
  timeout: number,
): Promise<{ status: string; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(
      () => reject(new Error(`error: timeout: health rpc did not complete within ${timeout / 1000}s`)),
      timeout,
    );
    const stream = session.request({
      ':method': 'POST',
      ':path': '/grpc.health.v1.Health/Check',
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    const chunks: Buffer[] = [];
    let status = '';
    const learn = (headers: http2.IncomingHttpHeaders): void => {
      status = String(headers['grpc-status'] ?? status);
    };
    for (const source of [session, stream]) source.on('error', reject);
    stream.on('response', learn);
    stream.on('trailers', learn);
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    stream.on('close', () => {
      clearTimeout(late);
      resolve({ status, body: Buffer.concat(chunks) });
    });
    stream.end(healthRequest(service));
  });
}

/** Length-prefixed HealthCheckRequest { 1: service }. */
function healthRequest(service: string): Buffer {
  const name = Buffer.from(service).subarray(0, 127);
  const message = name.length > 0 ? Buffer.concat([Buffer.from([0x0a, name.length]), name]) : Buffer.alloc(0);
  return Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]);
}
