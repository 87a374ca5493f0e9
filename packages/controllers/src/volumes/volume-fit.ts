import { type LabelSelector, selectorMatches } from '@podwire/base';
import { type ObjectOf, quantityValue } from '@podwire/kube';

type Claim = ObjectOf<'PersistentVolumeClaim'>;
type Volume = ObjectOf<'PersistentVolume'>;

/** Whether a volume is kept for this claim, be it before the claim was there. */
export function isFor({ spec }: Volume, { metadata }: Claim): boolean {
  const { name, namespace, uid } = spec?.claimRef ?? {};
  return name === metadata?.name && namespace === metadata?.namespace && (!uid || uid === metadata?.uid);
}

/** The smallest of the volumes nobody has that are as the claim wants them. */
export function smallestFit(claim: Claim, volumes: readonly Volume[]): Volume | undefined {
  const [smallest] = volumes.filter((volume) => fits(volume, claim)).toSorted((a, b) => sizeOf(a) - sizeOf(b));
  return smallest;
}

function fits({ metadata, spec }: Volume, claim: Claim): boolean {
  const { accessModes = [], resources, selector, storageClassName = '', volumeMode } = claim.spec ?? {};
  if (metadata?.deletionTimestamp || spec?.claimRef || (spec?.storageClassName ?? '') !== storageClassName)
    return false;
  if ((spec?.volumeMode ?? 'Filesystem') !== (volumeMode ?? 'Filesystem')) return false;
  if (selector && !selectorMatches(selector as LabelSelector, metadata?.labels)) return false;
  const isLarge = sizeOf({ spec: spec ?? {} }) >= quantityValue(resources?.requests?.storage ?? '0');
  return isLarge && accessModes.every((mode) => spec?.accessModes?.includes(mode));
}

const sizeOf = ({ spec }: Volume): number => quantityValue(spec?.capacity?.storage ?? '0');

/** On volumes and claims whose partner they did not name themselves. */
export const BOUND_BY_CONTROLLER = { 'pv.kubernetes.io/bound-by-controller': 'yes' };

export function claimReference({ metadata }: Claim) {
  const { name = '', namespace = '', uid = '' } = metadata ?? {};
  return { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name, uid };
}
