import { bodyOf } from '../authorization/reviews.ts';
import type { ApiObject, ApiRequest, ApiResponse } from '../seam.ts';
import { dryRunOf } from './dry-run.ts';
import { evict } from './eviction.ts';
import type { Registry, Target } from './registry.ts';
import { removalFrom } from './removal.ts';
import { badRequest, success } from './status.ts';

const CREATED = { status: 201, body: { ...success(), code: 201 } };

interface Binding extends ApiObject {
  readonly target?: { readonly kind?: string; readonly name?: string };
}

/** POST pods/NAME/binding: what a scheduler asks for. Throws 400, 404, 409 and 422. */
export async function bindPod(registry: Registry, request: ApiRequest, pod: Target): Promise<ApiResponse> {
  const { metadata, target = {} } = (await bodyOf(request, 'v1', 'Binding')) as Binding;
  checkNamed('Binding', metadata, pod);
  const { kind = 'Node', name = '' } = target;
  if (kind !== 'Node')
    throw badRequest(`target.kind: Unsupported value: ${JSON.stringify(kind)}: supported values: "Node", "<empty>"`);
  const dryRun = dryRunOf('CreateOptions', request.query.getAll('dryRun').filter(Boolean));
  await registry.bind(pod.namespace ?? '', pod.name, name, { uid: metadata?.uid, dryRun });
  return CREATED;
}

interface EvictionBody extends ApiObject {
  readonly deleteOptions?: object;
}

/** POST pods/NAME/eviction. Throws 400, 404, 409, 422 and 429. */
export async function evictPod(registry: Registry, request: ApiRequest, pod: Target): Promise<ApiResponse> {
  const { metadata, deleteOptions } = (await bodyOf(request, 'policy/v1', 'Eviction')) as EvictionBody;
  checkNamed('Eviction', metadata, pod);
  const query = new URLSearchParams();
  for (const value of request.query.getAll('dryRun')) query.append('dryRun', value);
  await evict(registry, pod, removalFrom(query, deleteOptions));
  return CREATED;
}

function checkNamed(kind: string, metadata: Partial<ApiObject['metadata']> = {}, { name, namespace }: Target): void {
  if (metadata.name && metadata.name !== name) throw badRequest(`name in URL does not match name in ${kind} object`);
  if (metadata.namespace && metadata.namespace !== namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
}
