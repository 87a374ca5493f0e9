import { withFiles } from '../core/file-error.ts';
import { RestApi } from '../core/rest.ts';
import { Transport } from '../core/transport.ts';
import { AuditLog } from '../identity/audit-log.ts';
import type { SigningKey } from '../identity/signing-key.ts';
import type { TokenRequests } from '../identity/token-request.ts';
import { metricsPage } from '../metrics/metrics-page.ts';
import { RequestMetrics } from '../metrics/request-metrics.ts';
import type { ApiRequest } from '../seam.ts';
import { createStreams } from '../streams/index.ts';
import { createSurface, healthPages } from '../surface/index.ts';
import type { ApiServerOptions } from './api-server.ts';
import { healthChecks } from './health-checks.ts';
import { createIdentity } from './identity.ts';
import type { Objects } from './objects.ts';

interface Given {
  readonly options: ApiServerOptions;
  readonly signing: SigningKey;
  /** Aborted when the server stops: ends all watches. */
  readonly stopped: AbortSignal;
}

/** What clients meet: HTTP, and who they are taken for. */
export interface Front {
  readonly transport: Transport;
  readonly tokenRequests: TokenRequests;
  /** Once the transport is closed. */
  close(): Promise<void>;
}

export async function openFront(objects: Objects, { options, signing, stopped }: Given): Promise<Front> {
  const { store, kinds, custom, authorizer } = objects;
  const streams = createStreams(options.streams);
  const surface = createSurface({ kinds, custom });
  const identity = createIdentity(objects, options, signing);
  const { authenticator, tokenRequests } = identity;
  const { auditFile } = options;
  const audit = auditFile === undefined ? undefined : await withFiles(auditFile, () => AuditLog.open(auditFile));
  const metrics = new RequestMetrics();
  const page = metricsPage({ store, kinds, requests: metrics });
  const health = healthPages(healthChecks(store, stopped));
  const reviews = async (request: ApiRequest) => health(request) ?? (await page(request)) ?? identity.reviews(request);
  const api = new RestApi({ ...objects, surface, streams, stopped, tokenRequests, reviews });
  const transport = new Transport({ api, authenticator, authorizer, streams, audit, metrics });
  return { transport, tokenRequests, close: async () => audit?.close() };
}
