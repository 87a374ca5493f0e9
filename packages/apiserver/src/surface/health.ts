import type { ApiRequest, ApiResponse } from '../seam.ts';

/** Something that has to be right for the server to be healthy. */
export interface HealthCheck {
  /** Last part of a path: `etcd` in `/livez/etcd`. */
  readonly name: string;
  /** Why it is not; undefined: it is right. */
  readonly failure: () => string | undefined;
  /** Whether a restart would change nothing: it is asked for by `/readyz` alone. */
  readonly isReadinessOnly?: boolean;
}

const ENDPOINT = /^\/(healthz|livez|readyz)(?:\/(.+))?$/;
const CONTENT_TYPE = { 'content-type': 'text/plain; charset=utf-8' };

/**
 * GET /healthz, /livez and /readyz: `ok`, or with `?verbose` and on failure a line for each check; `exclude` leaves one out.
 * `/livez/NAME` is one check. Undefined for other paths.
 */
export function healthPages(checks: readonly HealthCheck[]) {
  return ({ method, path, query }: Pick<ApiRequest, 'method' | 'path' | 'query'>): ApiResponse | undefined => {
    const [, endpoint = '', name] = ENDPOINT.exec(path.replace(/\/$/, '')) ?? [];
    if (!endpoint || (method !== 'GET' && method !== 'HEAD')) return undefined;
    const asked = checks.filter(({ isReadinessOnly }) => !isReadinessOnly || endpoint === 'readyz');
    if (name === undefined) return summary(endpoint, asked, query);
    const check = asked.find((one) => one.name === name);
    return check && single(check);
  };
}

function single({ failure }: HealthCheck): ApiResponse {
  const why = failure();
  return why === undefined ? plain(200, 'ok') : plain(500, `internal server error: ${why}\n`);
}

function summary(endpoint: string, checks: readonly HealthCheck[], query: URLSearchParams): ApiResponse {
  const excluded = new Set(query.getAll('exclude'));
  let isHealthy = true;
  const lines = checks.map(({ name, failure }) => {
    if (excluded.delete(name)) return `[+]${name} excluded: ok`;
    const isOk = failure() === undefined;
    isHealthy &&= isOk;
    return isOk ? `[+]${name} ok` : `[-]${name} failed: reason withheld`;
  });
  if (isHealthy && !query.has('verbose')) return plain(200, 'ok');
  const unknown = [...excluded].map((name) => JSON.stringify(name)).join(', ');
  if (unknown) lines.push(`warn: some health checks cannot be excluded: no matches for ${unknown}`);
  lines.push(`${endpoint} check ${isHealthy ? 'passed' : 'failed'}`);
  return plain(isHealthy ? 200 : 500, `${lines.join('\n')}\n`);
}

function plain(status: number, body: string): ApiResponse {
  return { status, headers: CONTENT_TYPE, body };
}
