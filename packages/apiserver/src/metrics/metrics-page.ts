import type { MetricFamily } from '@podwire/base';
import type { KindRegistry } from '../core/kind-registry.ts';
import { methodNotAllowed } from '../core/status.ts';
import type { Store } from '../core/store.ts';
import type { ApiRequest, ApiResponse } from '../seam.ts';
import type { RequestMetrics } from './request-metrics.ts';

interface PageParts {
  readonly store: Store;
  readonly kinds: KindRegistry;
  readonly requests: RequestMetrics;
}

/** GET /metrics, as Prometheus reads it; undefined for other paths. */
export function metricsPage({ store, kinds, requests }: PageParts) {
  const families = [...requests.families(), storedObjects(store, kinds), revision(store)];
  let page: Promise<() => Promise<ApiResponse>> | undefined;
  return ({ method, path }: Pick<ApiRequest, 'method' | 'path'>): Promise<ApiResponse> | undefined => {
    if (path !== '/metrics') return undefined;
    if (method !== 'GET') throw methodNotAllowed();
    page ??= pageOf(families);
    return page.then((write) => write());
  };
}

function storedObjects(store: Store, kinds: KindRegistry): MetricFamily {
  return {
    name: 'apiserver_storage_objects',
    help: 'Objects in the store, by resource.',
    type: 'gauge',
    samples: () =>
      kinds.all().map(({ id, plural, group }) => {
        return { labels: { resource: group ? `${plural}.${group}` : plural }, value: store.size(id) };
      }),
  };
}

function revision(store: Store): MetricFamily {
  return {
    name: 'podwire_apiserver_revision',
    help: 'resourceVersion of the newest write; how it grows is the rate of writes.',
    type: 'gauge',
    samples: () => [{ labels: {}, value: store.revision }],
  };
}

async function pageOf(families: readonly MetricFamily[]): Promise<() => Promise<ApiResponse>> {
  const { default: client } = await import('prom-client');
  const own = new client.Registry();
  for (const { samples, ...family } of families) {
    const metric = { ...family, aggregator: 'sum', get: () => Promise.resolve({ ...family, values: samples() }) };
    own.registerMetric(metric as unknown as import('prom-client').Metric);
  }
  const { contentType } = own;
  const ofProcess = processMetrics(client);
  return async () => {
    const body = `${await own.metrics()}${await ofProcess.metrics()}`;
    return { status: 200, headers: { 'content-type': contentType }, body };
  };
}

let ofProcess: import('prom-client').Registry | undefined;

/** One for all servers of a process. */
function processMetrics(client: typeof import('prom-client')): import('prom-client').Registry {
  if (!ofProcess) {
    ofProcess = new client.Registry();
    client.collectDefaultMetrics({ register: ofProcess });
  }
  return ofProcess;
}
