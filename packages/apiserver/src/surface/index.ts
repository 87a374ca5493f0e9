import type { ApiRequest, ApiResponse, Surface, SurfaceOptions } from '../seam.ts';
import { type Document, selfDocuments } from './documents.ts';
import { tableOf } from './table.ts';

export { type HealthCheck, healthPages } from './health.ts';
export { kubeconfigText } from './kubeconfig.ts';
export { openPki } from './pki.ts';

/** What kubectl asks about the server itself, and the tables it prints. */
export function createSurface({ kinds, custom }: SurfaceOptions): Surface {
  // Made when they are asked for: most servers of tests never are.
  let documents: ReadonlyMap<string, Document> | undefined;
  kinds.onChange(() => {
    documents = undefined;
  });
  return {
    respond: async (request: ApiRequest): Promise<ApiResponse | undefined> => {
      const path = request.path.length > 1 ? request.path.replace(/\/$/, '') : request.path;
      if (request.method !== 'GET' && request.method !== 'HEAD') return undefined;
      documents ??= selfDocuments(kinds.all(), custom);
      return documents.get(path)?.(request.headers.accept ?? '');
    },
    table: (kind, objects, options) => tableOf(kind, objects, options, custom),
  };
}
