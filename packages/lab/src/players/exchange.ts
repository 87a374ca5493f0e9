import http from 'node:http';
import type { Socket } from 'node:net';
import tls from 'node:tls';
import { PodwireError } from '@podwire/base';
import { bindUdp, connectTcp, type Netns } from '@podwire/kernel';

export interface Target {
  /** Where the connection starts; absent: the calling thread's netns. */
  readonly netns: Netns;
  readonly address: string;
  readonly port: number;
  /** For everything together, in ms. */
  readonly timeout: number;
}

export interface HttpGet {
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** TLS without looking at the certificate, as the kubelet's probes do. */
  readonly tls?: boolean;
  /** Bytes of the body that are kept; default 64 KiB. */
  readonly limit?: number;
}

export interface HttpAnswer {
  readonly status: number;
  readonly body: string;
}

/** One GET on a connection of its own out of the target's netns. Rejects with KERNEL_CONNECT or LAB_EXCHANGE. */
export async function httpGet(target: Target, get: HttpGet): Promise<HttpAnswer> {
  const deadline = AbortSignal.timeout(target.timeout);
  const plain = await connectTcp(target);
  const socket = get.tls ? tls.connect({ socket: plain, rejectUnauthorized: false }) : plain;
  try {
    return await requestOn(socket, get, deadline);
  } catch (cause) {
    const why = deadline.aborted ? 'context deadline exceeded (timeout while awaiting headers)' : messageOfCause(cause);
    throw new PodwireError('LAB_EXCHANGE', why, { cause });
  } finally {
    plain.destroy();
  }
}

function requestOn(socket: Socket, get: HttpGet, signal: AbortSignal): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const onResponse = (response: http.IncomingMessage): void => {
      const chunks: Buffer[] = [];
      let size = 0;
      const finish = (): void => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() });
      response.on('data', (chunk: Buffer) => {
        if (size < (get.limit ?? 65_536)) chunks.push(chunk);
        size += chunk.length;
        if (size >= (get.limit ?? 65_536)) finish();
      });
      response.once('end', finish);
      response.once('error', reject);
    };
    const headers = { connection: 'close', ...get.headers };
    http
      .request({ createConnection: () => socket, path: get.path, headers, signal }, onResponse)
      .once('error', reject)
      .end();
  });
}

function messageOfCause(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/** Sends one datagram and returns the first answer. Rejects with LAB_EXCHANGE: `refused`, `timeout` in details.reason. */
export async function udpExchange(target: Target, payload: string): Promise<string> {
  const socket = await bindUdp({
    netns: target.netns,
    address: target.address.includes(':') ? '::' : '0.0.0.0',
    port: 0,
  });
  try {
    return await new Promise((resolve, reject) => {
      const fail = (reason: string, why: string): void =>
        reject(new PodwireError('LAB_EXCHANGE', why, { details: { reason } }));
      if (target.timeout > 0) setTimeout(() => fail('timeout', 'i/o timeout'), target.timeout).unref();
      socket.once('message', (message) => resolve(message.toString()));
      socket.once('error', (error: NodeJS.ErrnoException) =>
        fail(
          error.code === 'ECONNREFUSED' ? 'refused' : 'other',
          error.code === 'ECONNREFUSED' ? 'connection refused' : error.message,
        ),
      );
      socket.connect(target.port, target.address, () => socket.send(payload));
    });
  } finally {
    socket.close();
  }
}
