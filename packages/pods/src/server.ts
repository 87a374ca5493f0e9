import { chmodSync, unlinkSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { PodwireError } from '@podwire/base';
import { LATEST_CNI_VERSION } from './cni-version.ts';
import type { CniRequest } from './frame.ts';
import { decodeFrame, encodeFrame } from './frame.ts';
import { isRecord } from './json.ts';
import type { CniAnswer } from './result.ts';
import { failure } from './result.ts';

/** A connection that sends nothing is closed after this, in ms. */
const IDLE_LIMIT = 10_000;

/**
 * Serves the CNI socket: one request and one answer a connection. Only root can connect (0600, in a directory of
 * root's). A socket left behind by a dead process is replaced; a living one is PODS_SOCKET_IN_USE.
 */
export async function serveCni(
  path: string,
  answer: (request: CniRequest) => Promise<CniAnswer>,
): Promise<{ close(): Promise<void> }> {
  if (await isAlive(path))
    throw new PodwireError('PODS_SOCKET_IN_USE', `${path} is served by another process; stop it first`);
  unlinkIfThere(path);
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    serveSocket(socket, answer);
  });
  await listen(server, path);
  chmodSync(path, 0o600);
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.end();
      }),
  };
}

function serveSocket(socket: Socket, answer: (request: CniRequest) => Promise<CniAnswer>): void {
  let received: Buffer = Buffer.alloc(0);
  const finish = (result: CniAnswer) => socket.end(encodeFrame(result));
  const refuse = (reason: string) =>
    finish(
      failure(
        LATEST_CNI_VERSION,
        new PodwireError('PODS_DECODING', `the CNI socket got ${reason}; are shim and agent of one version?`),
      ),
    );
  const onData = (chunk: Buffer): void => {
    received = Buffer.concat([received, chunk]);
    const frame = decodeFrame(received);
    if (frame.kind === 'incomplete') return;
    socket.off('data', onData).setTimeout(0);
    if (frame.kind === 'broken') refuse(frame.reason);
    else if (!isRequest(frame.message)) refuse('a request without env and stdin');
    else answer(frame.message).then(finish, (error) => finish(failure(LATEST_CNI_VERSION, error)));
  };
  socket.on('data', onData).on('error', () => socket.destroy());
  socket.setTimeout(IDLE_LIMIT, () => socket.destroy());
}

function isRequest(message: unknown): message is CniRequest {
  return (
    isRecord(message) &&
    typeof message.stdin === 'string' &&
    isRecord(message.env) &&
    Object.values(message.env).every((v) => typeof v === 'string')
  );
}

function isAlive(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path, () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });
}

function unlinkIfThere(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  }
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) =>
      reject(new PodwireError('PODS_IO', `cannot listen on ${path}; check its directory`, { cause })),
    );
    server.listen(path, resolve);
  });
}
