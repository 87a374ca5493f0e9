import type { PlanEntry } from '@podwire/kube';
import type { Backend, Certificate, IngressModel, Route } from './model.ts';

export interface ProxySettings {
  readonly httpPort: number;
  readonly httpsPort: number;
  /** Where configuration, maps and certificates are. */
  readonly directory: string;
  /** The system user HAProxy becomes after it has bound its ports. */
  readonly user?: string;
}

/** HAProxy's whole state: text that needs a reload to change, and maps and servers that do not. */
export interface DesiredProxy {
  /** haproxy.cfg without the server lines, which `servers` gives. */
  readonly backends: readonly BackendSlots[];
  readonly defaultBackend: string;
  readonly maps: Readonly<Record<MapName, readonly MapEntry[]>>;
  readonly certificates: readonly Certificate[];
  /** Whether any Ingress asks for TLS, with a usable certificate or not. */
  readonly https: boolean;
}

export const MAP_NAMES = ['hosts', 'exact', 'prefix'] as const;
export type MapName = (typeof MAP_NAMES)[number];
export type MapEntry = readonly [key: string, value: string];

export interface BackendSlots extends Backend {
  /** Server slots made ahead, so that endpoints come and go without a reload: a power of two, at least 8. */
  readonly slots: number;
}

export const NOT_FOUND = 'be_not_found';

export function planProxy(model: IngressModel): DesiredProxy {
  const hosts = [...new Set(model.routes.map((route) => route.host))].filter((host) => host !== '*');
  const entries = (match: Route['match']): MapEntry[] =>
    model.routes.filter((route) => route.match === match).map((route) => [pathKey(route), route.backend]);
  return {
    backends: model.backends.map((backend) => ({
      ...backend,
      slots: Math.max(8, 2 ** Math.ceil(Math.log2(Math.max(1, backend.servers.length)))),
    })),
    defaultBackend: model.defaultBackend ?? NOT_FOUND,
    maps: { hosts: hosts.map((host) => [host, host]), exact: entries('exact'), prefix: entries('prefix') },
    certificates: model.certificates,
    https: model.served.some((ingress) => (ingress.spec?.tls ?? []).length > 0),
  };
}

/** A prefix ends in a slash and so does the request's key: /foo takes /foo and /foo/bar, not /foobar. */
function pathKey({ host, path, match }: Route): string {
  return `${host}:${path}${match === 'prefix' && path !== '/' ? '/' : ''}`;
}

/**
 * haproxy.cfg; `edition` is what the runtime socket says of who has read it. The frontends:
 *
 *   Host ──▶ hosts.map: exact, then *.domain, else any ──▶ site
 *   site:path ──▶ exact.map ──▶ prefix.map (longest) ──▶ default backend ──▶ 404
 */
export function formatConfig(desired: DesiredProxy, settings: ProxySettings, edition: string): string {
  return `${[formatGlobal(settings, edition), formatFrontend(desired, settings), formatNotFound(), ...desired.backends.map(formatBackend)].join('\n\n')}\n`;
}

function formatGlobal({ directory, user }: ProxySettings, edition: string): string {
  return `global
  description ${edition}
  stats socket ${directory}/haproxy.sock mode 600 level admin expose-fd listeners
  maxconn 8192
  hard-stop-after 60s
  ssl-default-bind-options ssl-min-ver TLSv1.2${user ? `\n  user ${user}\n  group ${user}` : ''}

defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout tunnel 1h
  timeout http-request 10s
  option http-keep-alive
  option redispatch
  retries 2`;
}

function formatFrontend(
  { defaultBackend, https }: DesiredProxy,
  { httpPort, httpsPort, directory }: ProxySettings,
): string {
  const map = (name: MapName, kind: 'str' | 'beg'): string => `map_${kind}(${directory}/${name}.map)`;
  return `frontend ingress
  bind :${httpPort}${https ? `\n  bind :${httpsPort} ssl crt-list ${directory}/certificates.list alpn h2,http/1.1` : ''}
  http-request del-header X-Forwarded-For
  http-request del-header X-Forwarded-Host
  http-request set-header X-Forwarded-For %[src]
  http-request set-header X-Forwarded-Host %[req.hdr(host)]
  http-request set-header X-Forwarded-Proto %[ssl_fc,iif(https,http)]
  http-request set-var(txn.host) req.hdr(host),field(1,:),lower
  http-request set-var(txn.site) var(txn.host),${map('hosts', 'str')}
  http-request set-var(txn.site) var(txn.host),regsub(^[^.]+,*),${map('hosts', 'str')} if !{ var(txn.site) -m found }
  http-request set-var(txn.site) str(*) if !{ var(txn.site) -m found }
  http-request set-var(txn.path) path
  http-request set-var(txn.key) var(txn.site),concat(:,txn.path)
  http-request set-var(txn.backend) var(txn.key),${map('exact', 'str')}
  http-request set-var(txn.key) var(txn.key),concat(/)
  http-request set-var(txn.backend) var(txn.key),${map('prefix', 'beg')} if !{ var(txn.backend) -m found }
  use_backend %[var(txn.backend)] if { var(txn.backend) -m found }
  default_backend ${defaultBackend}`;
}

function formatNotFound(): string {
  return `backend ${NOT_FOUND}
  http-request return status 404 content-type text/plain string "default backend - 404\\n"`;
}

function formatBackend({ name, slots, servers }: BackendSlots): string {
  const lines = Array.from({ length: slots }, (_, i) => {
    const server = servers[i];
    return server ? `  server s${i} ${server.address}:${server.port}` : `  server s${i} 127.0.0.1:1 disabled`;
  });
  return `backend ${name}\n  balance roundrobin\n${lines.join('\n')}`;
}

export function formatMap(entries: readonly MapEntry[]): string {
  return entries.map(([key, value]) => `${key} ${value}\n`).join('');
}

/** What only a reload can change. */
export function reloadKey({ backends, defaultBackend, certificates, https }: DesiredProxy): string {
  return JSON.stringify([backends.map(({ name, slots }) => [name, slots]), defaultBackend, certificates, https]);
}

export function describePlan(model: IngressModel): PlanEntry[] {
  const titles = new Map(
    model.backends.map((b) => [
      b.name,
      `${b.title} (${b.servers.map((s) => `${s.address}:${s.port}`).join(', ') || 'no ready endpoint: 503'})`,
    ]),
  );
  const routes = model.routes.map(({ host, path, match, backend, owner }) => ({
    what: `http ${host} ${path} (${match}) -> ${titles.get(backend)}`,
    why: `Ingress ${owner}`,
  }));
  const fallback = model.defaultBackend === undefined ? '404' : titles.get(model.defaultBackend);
  return [
    ...routes,
    {
      what: `http otherwise -> ${fallback}`,
      why:
        model.defaultBackend === undefined
          ? 'no Ingress has a default backend'
          : 'the oldest Ingress with a default backend',
    },
  ];
}
