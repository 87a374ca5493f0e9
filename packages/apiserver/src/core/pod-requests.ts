import { bodyOf } from '../authorization/reviews.ts';
import type { ApiObject, ApiRequest, ApiResponse } from '../seam.ts';
import { dryRunOf } from './dry-run.ts';
import { evict } from './eviction.ts';
import type { Registry, Target } from './registry.ts';
import { removalFrom } from './removal.ts';
import { badRequest, success } from './status.ts';
import { consultedCreate } from './subresource-attempt.ts';
import { withWarnings } from './warnings.ts';

const CREATED = { status: 201, body: { ...success(), code: 201 } };

interface Binding extends ApiObject {
  readonly target?: { readonly kind?: string; readonly name?: string };
}

/** POST pods/NAME/binding: what a scheduler asks for. Throws 400, 404, 409 and 422. */
export async function bindPod(registry: Registry, request: ApiRequest, pod: Target): Promise<ApiResponse> {
  const given = (await bodyOf(request, 'v1', 'Binding')) as Binding;
  checkNamed('Binding', given.metadata, pod);
  const dryRun = dryRunOf('CreateOptions', request.query.getAll('dryRun').filter(Boolean));
  const asked = { subresource: 'binding', object: ofPod(given, pod), dryRun };
  const { object, warnings } = await consultedCreate(registry, request, pod, asked);
  const { metadata, target = {} } = object;
  const { kind = 'Node', name = '' } = target;
  if (kind !== 'Node')
    throw badRequest(`target.kind: Unsupported value: ${JSON.stringify(kind)}: supported values: "Node", "<empty>"`);
  await registry.bind(pod.namespace ?? '', pod.name, name, { uid: metadata.uid, dryRun });
  return withWarnings(CREATED, warnings);
}

interface EvictionBody extends ApiObject {
  readonly deleteOptions?: object;
}

/** POST pods/NAME/eviction. Throws 400, 404, 409, 422 and 429. */
export async function evictPod(registry: Registry, request: ApiRequest, pod: Target): Promise<ApiResponse> {
  const given = (await bodyOf(request, 'policy/v1', 'Eviction')) as EvictionBody;
  checkNamed('Eviction', given.metadata, pod);
  const query = new URLSearchParams();
  for (const value of request.query.getAll('dryRun')) query.append('dryRun', value);
  const { dryRun } = removalFrom(query, given.deleteOptions);
  const asked = { subresource: 'eviction', object: ofPod(given, pod), dryRun };
  const { object, warnings } = await consultedCreate(registry, request, pod, asked);
  await evict(registry, pod, removalFrom(query, object.deleteOptions));
  return withWarnings(CREATED, warnings);
}

/** With the names that may be left out. */
function ofPod<T extends ApiObject>(body: T, { name, namespace }: Target): T {
  return { ...body, metadata: { ...body.metadata, name, namespace } };
}

function checkNamed(kind: string, metadata: Partial<ApiObject['metadata']> = {}, { name, namespace }: Target): void {
  if (metadata.name && metadata.name !== name) throw badRequest(`name in URL does not match name in ${kind} object`);
  if (metadata.namespace && metadata.namespace !== namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
}
