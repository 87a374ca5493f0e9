import type { IncomingHttpHeaders, OutgoingHttpHeaders } from 'node:http';

/** RFC 9110, section 7.6.1: for one connection only. */
const HOP_BY_HOP = new Set(
  `connection proxy-connection keep-alive proxy-authenticate proxy-authorization te trailer transfer-encoding upgrade
  http2-settings`.split(/\s+/),
);

type Headers = Readonly<IncomingHttpHeaders>;

/** Of a request, as the pod gets it: without what is for this server, above all credentials. */
export function forwardedHeaders(headers: Headers, path: string): OutgoingHttpHeaders {
  const isForServer = (name: string) =>
    name.startsWith(':') || name === 'authorization' || name.startsWith('impersonate-') || name === 'content-length';
  const kept = Object.entries(endToEnd(headers)).filter(([name]) => !isForServer(name));
  const host = headers.host ?? [headers[':authority'] ?? ''].flat()[0] ?? '';
  return { ...Object.fromEntries(kept), host, 'x-forwarded-uri': path, ...(host ? { 'x-forwarded-host': host } : {}) };
}

/** Of the answer; redirections lead back through the proxy. */
export function answeredHeaders(headers: Headers, prefix: string, host: string): Record<string, string | string[]> {
  const kept = Object.entries(endToEnd(headers)).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, value]],
  );
  const result = { 'content-type': 'application/octet-stream', ...Object.fromEntries(kept) };
  const { location } = headers;
  return location === undefined ? result : { ...result, location: throughProxy(location, prefix, host) };
}

function endToEnd(headers: Headers): Headers {
  const named = (headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase());
  const isKept = (name: string) => !HOP_BY_HOP.has(name) && !named.includes(name);
  return Object.fromEntries(Object.entries(headers).filter(([name]) => isKept(name)));
}

/** `/login` is on the pod; another server's is not. */
function throughProxy(location: string, prefix: string, host: string): string {
  const own = /^https?:\/\/([^/?#]*)/.exec(location);
  if (own && own[1] !== host) return location;
  const path = own ? location.slice(own[0].length) || '/' : location;
  return path.startsWith('/') && !path.startsWith('//') && !path.startsWith(`${prefix}/`) ? prefix + path : location;
}
