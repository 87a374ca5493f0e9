import { claimName, type KubeClient, ObjectIndex, type ObjectOf } from '@podwire/kube';
import {
  type Controller,
  type ControllerContext,
  forEach,
  isActive,
  keyOf,
  namespaceOf,
  ownedBy,
  splitKey,
  visible,
} from '../context.ts';
import { startReconciler } from '../reconciler.ts';

type Pod = ObjectOf<'Pod'>;

/** Makes the claims of generic ephemeral volumes (KEP-1698), again when they go; the pod owns them: they end with it. */
export function startEphemeralVolumes({ client, informers, logger }: ControllerContext): Controller {
  const [pods, claims] = [informers.of('Pod'), informers.of('PersistentVolumeClaim')];

  const reconcile = async (key: string): Promise<undefined> => {
    const { name, namespace } = splitKey(key);
    const pod = pods.get(name, namespace);
    if (!pod || !isActive(pod)) return;
    const missing = claimsOf(pod).filter(({ metadata }) => !claims.get(metadata.name, namespace));
    await forEach(missing, async (claim) => visible(claims, await create(client, claim)));
  };
  const queue = startReconciler({ name: 'ephemeral-volume', logger, reconcile });
  const byClaim = new ObjectIndex(pods, (pod) => claimsOf(pod).map(keyOf));
  const ends = [
    pods.subscribe(({ type, object }) => {
      if (type === 'added' && claimsOf(object).length > 0) queue.add(keyOf(object));
    }),
    claims.subscribe(({ type, object }) => {
      if (type === 'deleted') for (const pod of byClaim.get(keyOf(object))) queue.add(keyOf(pod));
    }),
    byClaim.stop,
  ];
  return { stop: () => [...ends.map((end) => end()), queue.shutDown()] };
}

const create = (client: KubeClient, claim: ReturnType<typeof claimsOf>[number]) =>
  client.create('PersistentVolumeClaim', claim);

function claimsOf(pod: Pod) {
  return (pod.spec?.volumes ?? []).flatMap((volume) => {
    const { metadata, spec } = volume.ephemeral?.volumeClaimTemplate ?? {};
    if (!spec) return [];
    const { labels = {}, annotations = {} } = metadata ?? {};
    const own = { name: claimName(pod, volume) ?? '', namespace: namespaceOf(pod), labels, annotations };
    return [{ metadata: { ...own, ownerReferences: [ownedBy(pod, 'Pod', 'v1')] }, spec }];
  });
}
