import type { ObjectOf } from '@podwire/kube';
import { type Controller, type ControllerContext, nameOf, visible } from '../context.ts';
import { startReconciler } from '../reconciler.ts';
import { isFor, PROVISIONED_BY, PROVISIONER } from './claim-plan.ts';

type Volume = ObjectOf<'PersistentVolume'>;
type Claim = ObjectOf<'PersistentVolumeClaim'>;

/** Says of volumes whether they are Available, Bound or Released, and deletes those that were made for a claim that is gone. */
export function startVolumes({ client, informers, logger }: ControllerContext): Controller {
  const volumes = informers.of('PersistentVolume');
  const claims = informers.of('PersistentVolumeClaim');

  const reconcile = async (name: string): Promise<undefined> => {
    const volume = volumes.get(name);
    if (!volume || volume.metadata?.deletionTimestamp) return;
    const { namespace, name: claimName = '' } = volume.spec?.claimRef ?? {};
    const phase = phaseOf(volume, claims.get(claimName, namespace));
    if (volume.status?.phase !== phase)
      await visible(volumes, await client.patch('PersistentVolume', { name }, { status: { phase } }, STATUS));
    if (phase === 'Released' && isOurs(volume)) {
      const { uid } = volume.metadata ?? {};
      await client.delete('PersistentVolume', { name }, uid ? { uid } : {});
    }
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

const STATUS = { subresource: 'status' } as const;

function phaseOf(volume: Volume, claim: Claim | undefined): string {
  const { claimRef } = volume.spec ?? {};
  if (!claimRef?.uid) return 'Available';
  if (!claim || !isFor(volume, claim)) return 'Released';
  return claim.spec?.volumeName === nameOf(volume) ? 'Bound' : 'Available';
}

function isOurs({ metadata, spec }: Volume): boolean {
  return spec?.persistentVolumeReclaimPolicy === 'Delete' && metadata?.annotations?.[PROVISIONED_BY] === PROVISIONER;
}
