import type { ApiRequest, ApiResponse, Surface, SurfaceOptions } from '../seam.ts';
import { selfDocuments } from './documents.ts';
import { answerReview } from './reviews.ts';
import { tableOf } from './table.ts';

export { kubeconfigText } from './kubeconfig.ts';
export { openPki } from './pki.ts';

/** What kubectl asks about the server itself, and the tables it prints. */
export function createSurface({ kinds }: SurfaceOptions): Surface {
  const documents = selfDocuments(kinds);
  return {
    respond: async (request: ApiRequest): Promise<ApiResponse | undefined> => {
      const path = request.path.length > 1 ? request.path.replace(/\/$/, '') : request.path;
      const document = request.method === 'GET' || request.method === 'HEAD' ? documents.get(path) : undefined;
      return document ? document(request.headers.accept ?? '') : answerReview(request);
    },
    table: tableOf,
  };
}
