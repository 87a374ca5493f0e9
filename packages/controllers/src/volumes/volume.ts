import type { ObjectOf } from '@podwire/kube';
import { type Controller, type ControllerContext, nameOf, visible } from '../context.ts';
import { startReconciler } from '../reconciler.ts';
import { PROVISIONED_BY, PROVISIONER } from './claim-plan.ts';
import { isFor } from './volume-fit.ts';

type Volume = ObjectOf<'PersistentVolume'>;
type Claim = ObjectOf<'PersistentVolumeClaim'>;

const PROTECTION = 'kubernetes.io/pv-protection';
const STATUS = { subresource: 'status' } as const;

/**
 * Says of volumes whether they are Available, Bound or Released, deletes those that were made for a claim that is gone, and
 * keeps others from going while they are Bound.
 */
export function startVolumes({ client, informers, logger }: ControllerContext): Controller {
  const volumes = informers.of('PersistentVolume');
  const claims = informers.of('PersistentVolumeClaim');

  const reconcile = async (name: string): Promise<undefined> => {
    const volume = volumes.get(name);
    if (!volume) return;
    const { namespace, name: claimName = '' } = volume.spec?.claimRef ?? {};
    const phase = phaseOf(volume, claims.get(claimName, namespace));
    const isTold = volume.status?.phase === phase;
    const told = isTold ? volume : await client.patch('PersistentVolume', { name }, { status: { phase } }, STATUS);
    const { uid, resourceVersion, deletionTimestamp } = told.metadata ?? {};
    const finalizers = protection(told, phase);
    if (finalizers !== undefined)
      await client.patch('PersistentVolume', { name }, { metadata: { uid, resourceVersion, finalizers } });
    else await visible(volumes, told);
    if (phase === 'Released' && isOurs(volume) && !deletionTimestamp)
      await client.delete('PersistentVolume', { name }, uid ? { uid } : {});
  };
  const queue = startReconciler({ name: 'volume', logger, reconcile });
  const ends = [
    volumes.subscribe(({ type, object }) => type !== 'deleted' && queue.add(nameOf(object))),
    claims.subscribe(({ object }) => {
      if (object.spec?.volumeName) queue.add(object.spec.volumeName);
    }),
  ];
  return { stop: () => [...ends.map((end) => end()), queue.shutDown()] };
}

/** The finalizers a volume should have, where it has others; null: none. */
function protection({ metadata }: Volume, phase: string): readonly string[] | null | undefined {
  const { finalizers = [], deletionTimestamp } = metadata ?? {};
  const isProtected = finalizers.includes(PROTECTION);
  if (!deletionTimestamp) return isProtected ? undefined : [...finalizers, PROTECTION];
  if (!isProtected || phase === 'Bound') return undefined;
  const others = finalizers.filter((one) => one !== PROTECTION);
  return others.length > 0 ? others : null;
}

function phaseOf(volume: Volume, claim: Claim | undefined): string {
  const { claimRef } = volume.spec ?? {};
  if (!claimRef?.uid) return 'Available';
  if (!claim || !isFor(volume, claim)) return 'Released';
  return claim.spec?.volumeName === nameOf(volume) ? 'Bound' : 'Available';
}

function isOurs({ metadata, spec }: Volume): boolean {
  return spec?.persistentVolumeReclaimPolicy === 'Delete' && metadata?.annotations?.[PROVISIONED_BY] === PROVISIONER;
}
