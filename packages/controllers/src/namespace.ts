import { KINDS, type KubeClient, type ObjectKey } from '@podwire/kube';
import { type Controller, type Meta, nameOf, objectKey } from './context.ts';
import type { CustomContext } from './custom-kinds.ts';
import { startReconciler } from './reconciler.ts';

/** First and last wait, in ms, before what is left in a namespace is looked at again. */
const RETRY = [20, 1000] as const;

/** What a namespace may hold objects of. */
interface Content {
  list(options: { readonly namespace: string }): Promise<{ readonly items: readonly Meta[] }>;
  delete(key: ObjectKey): Promise<boolean>;
}

/** Empties a namespace that is being deleted, then lets it go. */
export function startNamespaces({ client, informers, logger, custom }: CustomContext): Controller {
  const namespaces = informers.of('Namespace');
  /** Looks at each namespace that is being emptied. */
  const looks = new Map<string, number>();
  const builtIn = builtInContent(client);

  const empty = async (namespace: string): Promise<boolean> => {
    await custom.synced();
    const defined = custom.all().filter(({ client: { resource } }) => resource.namespaced);
    const content: Content[] = [...builtIn, ...defined.map((kind) => kind.client as unknown as Content)];
    const lists = await Promise.all(
      content.map(async (kind) => ({ kind, items: (await kind.list({ namespace })).items })),
    );
    const left = lists.flatMap(({ kind, items }) => items.map((object) => ({ kind, object })));
    await Promise.all(
      left.map(({ kind, object }) => object.metadata?.deletionTimestamp || kind.delete(objectKey(object))),
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
  const queue = startReconciler({ name: 'namespace', logger, reconcile });
  const end = namespaces.subscribe(({ type, object }) => type !== 'deleted' && queue.add(nameOf(object)));
  return { stop: () => [end(), queue.shutDown()] };
}

function builtInContent(client: KubeClient): Content[] {
  return KINDS.filter(({ namespaced }) => namespaced).map(({ kind }) => ({
    list: (options) => client.list(kind, options),
    delete: (key) => client.delete(kind, key),
  }));
}
