import type { ObjectOf } from '@podwire/kube';

type Pod = ObjectOf<'Pod'>;
type Volume = NonNullable<NonNullable<Pod['spec']>['volumes']>[number];

/** Of the claims a pod's volumes are. */
export function claimNames(pod: Pod): string[] {
  return (pod.spec?.volumes ?? []).flatMap((volume) => {
    if (volume.ephemeral) return [ephemeralName(pod, volume)];
    return volume.persistentVolumeClaim ? [volume.persistentVolumeClaim.claimName] : [];
  });
}

/** Of the claim that is made for a generic ephemeral volume (KEP-1698). */
export function ephemeralName({ metadata }: Pod, { name }: Volume): string {
  return `${metadata?.name}-${name}`;
}

/** The names of all claims that are made for a pod. */
export function ephemeralNames(pod: Pod): string[] {
  return (pod.spec?.volumes ?? []).flatMap((volume) => (volume.ephemeral ? [ephemeralName(pod, volume)] : []));
}
