import type { IncomingMessage, ServerResponse } from 'node:http';
import http2, { type Http2ServerRequest, type Http2ServerResponse } from 'node:http2';
import { type Attributes, attributesOf } from '../authorization/attributes.ts';
import type { ApiRequest } from '../seam.ts';
import type { ResourcePath } from './request-path.ts';
import { badRequest } from './status.ts';

/** A request of HTTP/1.1 or HTTP/2. */
export type Request = IncomingMessage | Http2ServerRequest;
export type Response = ServerResponse | Http2ServerResponse;

/** Throws 400. */
export function urlOf({ url = '/' }: Pick<Request, 'url'>): URL {
  try {
    // A path of two slashes must not be taken for a host.
    return new URL(`http://server${url.startsWith('/') ? url : `/${url}`}`);
  } catch {
    throw badRequest('the URL of the request is malformed');
  }
}

interface Received extends Required<Pick<ApiRequest, 'user' | 'signal' | 'annotate' | 'aside'>> {
  readonly url: URL;
  readonly body: Buffer;
}

export function apiRequest({ method = 'GET', headers }: Request, { url, body, ...known }: Received): ApiRequest {
  const { pathname: path, searchParams: query, search } = url;
  return { method, path, query, search, headers, ...known, body: () => Promise.resolve(body) };
}

/** What a request is about, as far as can be told. */
export interface Asked {
  readonly attributes: Attributes;
  readonly method: string;
  readonly query: URLSearchParams;
  /** Absent when its path names no resource that is served. */
  readonly served: ResourcePath | undefined;
}

/** Never throws. */
export function askedFor(request: Request, pathOf: (path: string) => ResourcePath | undefined): Asked {
  const { method = 'GET' } = request;
  try {
    const { pathname: path, searchParams: query } = urlOf(request);
    const served = pathOf(path);
    return { attributes: attributesOf({ method, path, query }, served), method, query, served };
  } catch {
    const path = (request.url ?? '/').split('?')[0] ?? '/';
    const attributes = { verb: method.toLowerCase(), path };
    return { attributes, method, query: new URLSearchParams(), served: undefined };
  }
}

/** Absent on unix sockets, and when the connection is gone already. */
export function sourceOf(request: Request): string | undefined {
  try {
    return request.socket.remoteAddress;
  } catch {
    return undefined;
  }
}

/** Throws away what still comes of a body nobody wants, and with HTTP/2 asks for no more of it (RFC 9113, section 8.1). */
export function dropRest(request: Request, response: Response): void {
  if (request.readableEnded) return;
  request.on('error', () => {}).resume();
  if ('stream' in request) response.once('finish', () => request.stream.close(http2.constants.NGHTTP2_NO_ERROR));
}
