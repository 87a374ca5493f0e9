import { KINDS, type KubeClient, type ObjectKey, type ObjectOf } from '@podwire/kube';
import { systemClock } from './clock.ts';
import { type Controller, type Meta, nameOf, objectKey } from './context.ts';
import type { CustomContext, CustomKind } from './custom-kinds.ts';
import { namespaceConditions, type Remainder } from './namespace-conditions.ts';
import { startReconciler } from './reconciler.ts';

/** First and last wait, in ms, before what is left in a namespace is looked at again. */
const RETRY = [20, 1000] as const;
/** Looks before what is left is told. */
const TELL_AT = 2;

/** What a namespace may hold objects of. */
interface Content {
  /** `pods.`, `deployments.apps`. */
  readonly resource: string;
  list(options: { readonly namespace: string }): Promise<{ readonly items: readonly Meta[] }>;
  delete(key: ObjectKey): Promise<boolean>;
}

/** Empties a namespace that is being deleted, says in its conditions what is left, then lets it go. */
export function startNamespaces({ client, informers, logger, custom, clock = systemClock }: CustomContext): Controller {
  const namespaces = informers.of('Namespace');
  /** Looks at each namespace that is being emptied. */
  const looks = new Map<string, number>();
  const builtIn = builtInContent(client);

  /** What is left. */
  const empty = async (namespace: string): Promise<readonly Remainder[]> => {
    await custom.synced();
    const defined = custom.all().filter(({ client: { resource } }) => resource.namespaced);
    const content: Content[] = [...builtIn, ...defined.map(customContent)];
    const lists = await Promise.all(
      content.map(async (kind) => ({ kind, objects: (await kind.list({ namespace })).items })),
    );
    const left = lists.filter(({ objects }) => objects.length > 0);
    const each = left.flatMap(({ kind, objects }) => objects.map((object) => ({ kind, object })));
    await Promise.all(
      each.map(({ kind, object }) => object.metadata?.deletionTimestamp || kind.delete(objectKey(object))),
    );
    return left.map(({ kind, objects }) => ({ resource: kind.resource, objects }));
  };
  const tell = async ({ metadata, status }: ObjectOf<'Namespace'>, left: readonly Remainder[]): Promise<void> => {
    const conditions = namespaceConditions(status?.conditions ?? [], left, clock.now());
    const key = { name: metadata?.name ?? '' };
    if (conditions) await client.patch('Namespace', key, { status: { conditions } }, { subresource: 'status' });
  };
  const reconcile = async (name: string): Promise<number | undefined> => {
    const namespace = namespaces.get(name);
    if (!namespace?.metadata?.deletionTimestamp) return undefined;
    const left = await empty(name);
    if (left.length > 0) {
      const look = looks.get(name) ?? 0;
      // Most go at once.
      if (look >= TELL_AT) await tell(namespace, left);
      looks.set(name, look + 1);
      return Math.min(RETRY[0] * 2 ** look, RETRY[1]);
    }
    looks.delete(name);
    await client.finalizeNamespace({ ...namespace, spec: { ...namespace.spec, finalizers: [] } });
    return undefined;
  };
  const queue = startReconciler({ name: 'namespace', logger, reconcile });
  const end = namespaces.subscribe((event) => {
    const isLookedAt = event.type === 'modified' && event.previous.metadata?.deletionTimestamp !== undefined;
    if (event.type !== 'deleted' && !isLookedAt) queue.add(nameOf(event.object));
  });
  return { stop: () => [end(), queue.shutDown()] };
}

function builtInContent(client: KubeClient): Content[] {
  return KINDS.filter(({ namespaced }) => namespaced).map(({ kind, plural, group }) => ({
    resource: `${plural}.${group}`,
    list: (options) => client.list(kind, options),
    delete: (key) => client.delete(kind, key),
  }));
}

function customContent({ client, group }: CustomKind): Content {
  return {
    resource: `${client.resource.plural}.${group}`,
    list: (options) => client.list(options) as ReturnType<Content['list']>,
    delete: (key) => client.delete(key),
  };
}
