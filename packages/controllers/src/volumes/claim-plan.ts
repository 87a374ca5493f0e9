import { type LabelSelector, selectorMatches } from '@podwire/base';
import { type ObjectOf, quantityValue } from '@podwire/kube';

type Claim = ObjectOf<'PersistentVolumeClaim'>;
type Volume = ObjectOf<'PersistentVolume'>;
type Class = ObjectOf<'StorageClass'>;

/** Volumes of classes with this provisioner are made for claims; whoever runs the pods keeps their data. */
export const PROVISIONER = 'podwire.io/directory';
export const IS_DEFAULT = 'storageclass.kubernetes.io/is-default-class';

/** What a claim needs next. */
export type ClaimStep =
  | { readonly step: 'bind'; readonly volume: Volume }
  | { readonly step: 'provision'; readonly of: Class }
  /** It gets the default class. */
  | { readonly step: 'classify'; readonly of: Class }
  /** Its volume is gone. */
  | { readonly step: 'lost' }
  | { readonly step: 'wait'; readonly why: string };

export interface ClaimView {
  readonly volumes: readonly Volume[];
  readonly classes: readonly Class[];
}

/** A volume kept for the claim, else the smallest that fits, else a new one of its class. */
export function planClaim(claim: Claim, { volumes, classes }: ClaimView): ClaimStep {
  const { volumeName, storageClassName } = claim.spec ?? {};
  if (volumeName)
    return planNamed(
      claim,
      volumes.find(({ metadata }) => metadata?.name === volumeName),
    );
  const kept = volumes.find((volume) => isFor(volume, claim));
  if (kept) return { step: 'bind', volume: kept };
  const byDefault = storageClassName === undefined ? classes.find(isDefault) : undefined;
  if (byDefault) return { step: 'classify', of: byDefault };
  const [fit] = volumes.filter((volume) => fits(volume, claim)).toSorted((a, b) => sizeOf(a) - sizeOf(b));
  if (fit) return { step: 'bind', volume: fit };
  const own = storageClassName ? classes.find(({ metadata }) => metadata?.name === storageClassName) : undefined;
  if (own?.provisioner === PROVISIONER) return { step: 'provision', of: own };
  const none = 'no persistent volumes available for this claim and no storage class is set';
  if (!storageClassName) return { step: 'wait', why: none };
  const missing = `storageclass.storage.k8s.io "${storageClassName}" not found`;
  return { step: 'wait', why: own ? `waiting for a volume to be created by '${own.provisioner}'` : missing };
}

function planNamed(claim: Claim, volume: Volume | undefined): ClaimStep {
  const name = claim.spec?.volumeName;
  if (!volume && claim.status?.phase === 'Bound') return { step: 'lost' };
  if (!volume) return { step: 'wait', why: `volume "${name}" not found` };
  if (!volume.spec?.claimRef || isFor(volume, claim)) return { step: 'bind', volume };
  return { step: 'wait', why: `volume "${name}" already bound to a different claim.` };
}

/** Whether a volume is kept for this claim, be it before the claim was there. */
export function isFor({ spec }: Volume, { metadata }: Claim): boolean {
  const { name, namespace, uid } = spec?.claimRef ?? {};
  return name === metadata?.name && namespace === metadata?.namespace && (!uid || uid === metadata?.uid);
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
const isDefault = ({ metadata }: Class): boolean => metadata?.annotations?.[IS_DEFAULT] === 'true';

export const PROVISIONED_BY = 'pv.kubernetes.io/provisioned-by';

/** A volume made for a claim, as large as it asks for. */
export function volumeFor(claim: Claim, { metadata, reclaimPolicy }: Class): Volume {
  const { uid = '' } = claim.metadata ?? {};
  const { accessModes = [], resources, volumeMode } = claim.spec ?? {};
  return {
    metadata: { name: `pvc-${uid}`, annotations: { [PROVISIONED_BY]: PROVISIONER } },
    spec: {
      accessModes,
      capacity: { storage: resources?.requests?.storage ?? '0' },
      claimRef: claimReference(claim),
      csi: { driver: PROVISIONER, volumeHandle: uid },
      persistentVolumeReclaimPolicy: reclaimPolicy ?? 'Delete',
      ...(metadata?.name ? { storageClassName: metadata.name } : {}),
      ...(volumeMode ? { volumeMode } : {}),
    },
  };
}

export function claimReference({ metadata }: Claim) {
  const { name = '', namespace = '', uid = '' } = metadata ?? {};
  return { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name, uid };
}
