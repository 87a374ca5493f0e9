import { type Kind, kindNamed } from '@podwire/kube';
import type { ApiObject, StatusCause } from '../seam.ts';
import { forbidden, notFound } from './status.ts';
import type { Store } from './store.ts';

const NAMESPACE = kindNamed('Namespace');

/** What is new needs a namespace that is there to stay. Throws 403 and 404. */
export function requireNamespace(store: Store, kind: Kind, { metadata }: ApiObject): void {
  if (!kind.namespaced) return;
  const name = metadata.namespace ?? '';
  const namespace = store.latest('Namespace', name);
  if (!namespace) throw notFound(NAMESPACE, name);
  if (!namespace.metadata.deletionTimestamp) return;
  const cause: StatusCause = {
    reason: 'NamespaceTerminating',
    message: `namespace ${name} is being terminated`,
    field: 'metadata.namespace',
  };
  const why = `unable to create new content in namespace ${name} because it is being terminated`;
  throw forbidden(kind, metadata.name ?? '', why, [cause]);
}
