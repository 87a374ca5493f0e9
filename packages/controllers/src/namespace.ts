import { KINDS } from '@podwire/kube';
import { type Controller, type ControllerContext, nameOf, objectKey } from './context.ts';
import { KeyQueue } from './key-queue.ts';

/** First and last wait, in ms, before what is left in a namespace is looked at again. */
const RETRY = [20, 1000] as const;

/** Empties a namespace that is being deleted, then lets it go. */
export function startNamespaces({ client, informers, logger }: ControllerContext): Controller {
  const namespaces = informers.of('Namespace');
  /** Looks at each namespace that is being emptied. */
  const looks = new Map<string, number>();
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
    if (!namespace?.metadata?.deletionTimestamp) return undefined;
    if (!(await empty(name))) {
      const look = looks.get(name) ?? 0;
      looks.set(name, look + 1);
      return Math.min(RETRY[0] * 2 ** look, RETRY[1]);
    }
    looks.delete(name);
    await client.finalizeNamespace({ ...namespace, spec: { ...namespace.spec, finalizers: [] } });
    return undefined;
  };
  const queue = new KeyQueue({ name: 'namespace', logger, reconcile });
  const end = namespaces.subscribe(({ type, object }) => type !== 'deleted' && queue.add(nameOf(object)));
  return { stop: () => [end(), queue.stop()] };
}
