import { type Kind, kindNamed } from '@podwire/kube';
import { bodyOf } from '../authorization/reviews.ts';
import type { ApiRequest, ApiResponse } from '../seam.ts';
import { bindPod } from './pod-requests.ts';
import type { Registry } from './registry.ts';
import { badRequest, methodNotAllowed, noSuchResource } from './status.ts';

const PATH = /^\/api\/v1\/namespaces\/([^/]+)\/bindings$/;
const POD: Kind = kindNamed('Pod');

/** POST /api/v1/namespaces/NAMESPACE/bindings: the old way to bind a pod, which its body names. Throws 404 for other paths. */
export async function bindInNamespace(registry: Registry, request: ApiRequest): Promise<ApiResponse> {
  const namespace = PATH.exec(request.path)?.[1];
  if (namespace === undefined) throw noSuchResource();
  if (request.method !== 'POST') throw methodNotAllowed();
  const { metadata } = await bodyOf(request, 'v1', 'Binding');
  if (!metadata?.name) throw badRequest('Binding: metadata.name: Required value: the name of the pod');
  return bindPod(registry, request, { kind: POD, namespace: decodeURIComponent(namespace), name: metadata.name });
}
