import { randomInt } from 'node:crypto';
import http from 'node:http';
import type { Duplex } from 'node:stream';
import tls from 'node:tls';
import { PodwireError } from '@podwire/base';
import { decodeMessage, encodeQuery, type Message } from '@podwire/dns';
import { bindUdp, connectTcp, type Netns } from '@podwire/kernel';

/**
 * For a whole exchange, in ms: on a machine that has much to do, programs are slow to answer, and a first packet that is lost
 * is sent again after a second.
 */
const TIMEOUT = 10_000;
/** Where nothing is to come, in ms. */
export const SILENCE = 500;

export interface Target {
  readonly address: string;
  readonly port: number;
}

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

/** One HTTP GET from inside a netns; a TCP failure throws KERNEL_CONNECT. */
export async function httpGet(netns: Netns, target: Target, path = '/', host = target.address): Promise<HttpAnswer> {
  return await get(await connectTcp({ netns, ...target, timeout: TIMEOUT }), target, { path, host });
}

/** As httpGet over TLS, whoever signed the certificate. */
export async function httpsGet(netns: Netns, target: Target, path: string): Promise<HttpAnswer> {
  const socket = await connectTcp({ netns, ...target, timeout: TIMEOUT });
  return await get(tls.connect({ socket, rejectUnauthorized: false }), target, { path, host: target.address });
}

function get(socket: Duplex, target: Target, { path, host }: { path: string; host: string }): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const headers = { host, connection: 'close' };
    const request = http.request({ createConnection: () => socket, path, headers }, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk) => {
        body += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    const silence = `${target.address}:${target.port} accepted the connection and did not answer within ${TIMEOUT} ms`;
    request.setTimeout(TIMEOUT, () => request.destroy(new PodwireError('LAB_CHECK', silence)));
    request.on('error', reject).end();
  });
}

/** What a TCP connect came to: `open`, or the errno name (ECONNREFUSED, ETIMEDOUT, ...), and how long it took in ms. */
export async function tcpOutcome(
  netns: Netns,
  target: Target,
  timeout = TIMEOUT,
): Promise<{ outcome: string; ms: number }> {
  const started = performance.now();
  try {
    (await connectTcp({ netns, ...target, timeout })).destroy();
    return { outcome: 'open', ms: performance.now() - started };
  } catch (error) {
    const outcome = error instanceof PodwireError ? String(error.details['errnoName'] ?? error.code) : String(error);
    return { outcome, ms: performance.now() - started };
  }
}

/** One UDP datagram and its answer, or undefined after the timeout. */
export async function udpAsk(netns: Netns, target: Target, payload: Uint8Array): Promise<Buffer | undefined> {
  const socket = await bindUdp({ netns, address: '0.0.0.0', port: 0 });
  try {
    return await new Promise((resolve, reject) => {
      const timer = setTimeout(() => resolve(undefined), TIMEOUT);
      socket.once('error', reject).once('message', (answer) => {
        clearTimeout(timer);
        resolve(answer);
      });
      socket.send(payload, target.port, target.address);
    });
  } finally {
    socket.close();
  }
}

/** Asks a name server from inside a netns. */
export async function dnsAsk(netns: Netns, server: string, name: string, type: number): Promise<Message> {
  const answer = await udpAsk(netns, { address: server, port: 53 }, encodeQuery(name, type, { id: randomInt(65536) }));
  if (!answer)
    throw new PodwireError('LAB_CHECK', `${server}:53 did not answer within ${TIMEOUT} ms when asked for ${name}`);
  return decodeMessage(answer);
}
