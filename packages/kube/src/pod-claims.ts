import type { ObjectOf } from './kinds.ts';

type Pod = ObjectOf<'Pod'>;
type Volume = NonNullable<NonNullable<Pod['spec']>['volumes']>[number];

/** Of all PersistentVolumeClaims a pod's volumes are, also of those that are made for it. */
export function claimNames(pod: Pod): string[] {
  return (pod.spec?.volumes ?? []).flatMap((volume) => claimName(pod, volume) ?? []);
}

/** Undefined: the volume is no claim. That of a generic ephemeral volume is made for the pod (KEP-1698). */
export function claimName({ metadata }: Pod, { name, ephemeral, persistentVolumeClaim }: Volume): string | undefined {
  return ephemeral ? `${metadata?.name}-${name}` : persistentVolumeClaim?.claimName;
}

/**
 * Why a pod may not have the claim of an ephemeral volume's name, in the words of Kubernetes: somebody else made it, and
 * what is in it is theirs. Undefined: the pod may.
 */
export function foreignClaim(
  { metadata }: Pick<Pod, 'metadata'>,
  claim: Pick<ObjectOf<'PersistentVolumeClaim'>, 'metadata'>,
): string | undefined {
  const owner = claim.metadata?.ownerReferences?.find(({ controller }) => controller === true);
  if (owner?.uid !== undefined && owner.uid === metadata?.uid) return undefined;
  const at = `${metadata?.namespace}/`;
  return `PVC ${at}${claim.metadata?.name} was not created for pod ${at}${metadata?.name} (pod is not owner)`;
}
