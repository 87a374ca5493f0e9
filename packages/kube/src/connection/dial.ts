import { readFile } from 'node:fs/promises';
import net, { type Socket } from 'node:net';
import tls, { type ConnectionOptions } from 'node:tls';
import { messageOf, PodwireError } from '@podwire/base';
import type { Credential } from '../credentials/credential.ts';
import type { Endpoint } from './endpoint.ts';

/** A connection that stands, and what is spoken on it. */
export interface Dialled {
  readonly socket: Socket;
  readonly protocol: 'h2' | 'http/1.1';
}

/**
 * Connects. Over TLS the server chooses between HTTP/2 and 1.1 (ALPN); in clear a unix socket is asked in HTTP/2, anything
 * else in HTTP/1.1. Files are read anew each time, so that what was rotated meanwhile is used.
 */
export async function dial(endpoint: Endpoint, credential: Credential, signal: AbortSignal): Promise<Dialled> {
  const { socketPath, url = 'http://localhost' } = endpoint;
  if (socketPath !== undefined)
    return { socket: await standing(net.connect(socketPath), 'connect', signal), protocol: 'h2' };
  const { protocol, hostname, port } = new URL(url);
  const isTls = protocol === 'https:';
  const host = hostname.replace(/^\[|\]$/g, '');
  const target = { host, port: Number(port) || (isTls ? 443 : 80) };
  const raw = endpoint.proxyUrl ? await tunnel(endpoint.proxyUrl, target, signal) : undefined;
  if (!isTls) return { socket: raw ?? (await standing(net.connect(target), 'connect', signal)), protocol: 'http/1.1' };
  const options = { ...(raw ? { socket: raw } : target), ...(await tlsOptions(endpoint, credential, host)) };
  const socket = await standing(tls.connect(options), 'secureConnect', signal);
  return { socket, protocol: socket.alpnProtocol === 'h2' ? 'h2' : 'http/1.1' };
}

async function tlsOptions(endpoint: Endpoint, credential: Credential, host: string): Promise<ConnectionOptions> {
  const [ca, cert, key] = await Promise.all([
    endpoint.caFile === undefined ? endpoint.ca : read(endpoint.caFile, 'the CA file'),
    credential.cert ?? (endpoint.certFile === undefined ? endpoint.cert : read(endpoint.certFile, 'the certificate')),
    credential.key ?? (endpoint.keyFile === undefined ? endpoint.key : read(endpoint.keyFile, 'the key')),
  ]);
  const { serverName = host } = endpoint;
  return {
    ALPNProtocols: ['h2', 'http/1.1'],
    // An address is no server name (RFC 6066, section 3); Node then compares it with the certificate's addresses.
    ...(net.isIP(serverName) ? {} : { servername: serverName }),
    ...(endpoint.serverName !== undefined && {
      checkServerIdentity: (_host: string, peer: tls.PeerCertificate) => tls.checkServerIdentity(serverName, peer),
    }),
    ...(endpoint.insecure && { rejectUnauthorized: false }),
    ...(ca !== undefined && { ca }),
    ...(cert !== undefined && { cert }),
    ...(key !== undefined && { key }),
  };
}

async function read(file: string, what: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (cause) {
    const why = `${what} ${file} cannot be read: ${messageOf(cause)}; check the path and its permissions`;
    throw new PodwireError('KUBE_BAD_KUBECONFIG', why, { cause, details: { file } });
  }
}

/** A tunnel through an HTTP proxy (RFC 9110, section 9.3.6). */
function tunnel(
  proxyUrl: string,
  { host, port }: { host: string; port: number },
  signal: AbortSignal,
): Promise<Socket> {
  const proxy = new URL(proxyUrl);
  const authority = `${net.isIPv6(host) ? `[${host}]` : host}:${port}`;
  const who = proxy.username ? `${decodeURIComponent(proxy.username)}:${decodeURIComponent(proxy.password)}` : '';
  const headers = { host: authority, ...(who && { 'proxy-authorization': `Basic ${base64(who)}` }) };
  const { request } = process.getBuiltinModule(proxy.protocol === 'https:' ? 'node:https' : 'node:http');
  return new Promise((resolve, reject) => {
    const asking = request(proxy, { method: 'CONNECT', path: authority, headers, signal, agent: false });
    asking.on('connect', ({ statusCode }, socket) => {
      if (statusCode === 200) return resolve(socket as Socket);
      socket.destroy();
      reject(new Error(`the proxy ${proxy.host} answered ${statusCode} to CONNECT ${authority}`));
    });
    asking.on('response', ({ statusCode }) => {
      asking.destroy();
      reject(new Error(`the proxy ${proxy.host} answered ${statusCode} to CONNECT ${authority}`));
    });
    asking.on('error', (error) => reject(new Error(`the proxy ${proxy.host}: ${messageOf(error)}`, { cause: error })));
    asking.end();
  });
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');

function standing<S extends Socket>(socket: S, event: 'connect' | 'secureConnect', signal: AbortSignal): Promise<S> {
  return new Promise((resolve, reject) => {
    const abort = () => socket.destroy(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
    const settle = (act: () => void) => {
      signal.removeEventListener('abort', abort);
      socket.off('error', fail).off('close', lost);
      act();
    };
    const fail = (error: Error) => {
      // Later ones have nobody to hear them.
      socket.on('error', () => {});
      settle(() => reject(error));
    };
    const lost = () => settle(() => reject(new Error('the connection was closed before it stood')));
    socket
      .once(event, () => settle(() => resolve(socket)))
      .once('error', fail)
      .once('close', lost);
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
  });
}
