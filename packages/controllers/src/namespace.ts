import { KINDS } from '@podwire/kube';
import { type Controller, type ControllerContext, nameOf, objectKey } from './context.ts';
import { KeyQueue } from './key-queue.ts';

const RETRY = 20;

/** Empties a namespace that is being deleted, then lets it go; gives the others their default ServiceAccount. */
export function startNamespaces({ client, informers, logger }: ControllerContext): Controller {
  const namespaces = informers.of('Namespace');
  const accounts = informers.of('ServiceAccount');
  const content = KINDS.filter((kind) => kind.namespaced);

  const empty = async (namespace: string): Promise<boolean> => {
    const lists = await Promise.all(
      content.map(async ({ kind }) => ({ kind, items: (await client.list(kind, { namespace })).items })),
    );
    const left = lists.flatMap(({ kind, items }) => items.map((object) => ({ kind, object })));
    await Promise.all(
      left.map(({ kind, object }) => object.metadata?.deletionTimestamp || client.delete(kind, objectKey(object))),
    );
    return left.length === 0;
  };
  const reconcile = async (name: string): Promise<number | undefined> => {
    const namespace = namespaces.get(name);
    if (!namespace) return undefined;
    if (!namespace.metadata?.deletionTimestamp) {
      if (!accounts.get('default', name))
        await client
          .create('ServiceAccount', { metadata: { name: 'default', namespace: name } })
          .catch(() => undefined);
      return undefined;
    }
    if (!(await empty(name))) return RETRY;
    await client.finalizeNamespace({ ...namespace, spec: { ...namespace.spec, finalizers: [] } });
    return undefined;
  };
  const queue = new KeyQueue({ name: 'namespace', logger, reconcile });
  const end = namespaces.subscribe(({ type, object }) => type !== 'deleted' && queue.add(nameOf(object)));
  return { stop: () => [end(), queue.stop()] };
}
