import type { ObjectOf } from '@podwire/kube';
import type { Remark } from '../event.ts';
import { claimReference, isFor, smallestFit } from './volume-fit.ts';

type Claim = ObjectOf<'PersistentVolumeClaim'>;
type Volume = ObjectOf<'PersistentVolume'>;
type Class = ObjectOf<'StorageClass'>;

/** Volumes of classes with this provisioner are made for claims; whoever runs the pods keeps their data. */
export const PROVISIONER = 'podwire.io/directory';
export const IS_DEFAULT = 'storageclass.kubernetes.io/is-default-class';
/** The node of the first pod with the claim, once the scheduler knows it. */
export const SELECTED_NODE = 'volume.kubernetes.io/selected-node';

/** What a claim needs next. */
export type ClaimStep =
  | { readonly step: 'bind'; readonly volume: Volume }
  | { readonly step: 'provision'; readonly of: Class }
  /** It gets the default class. */
  | { readonly step: 'classify'; readonly of: Class }
  /** Its volume is gone. */
  | { readonly step: 'lost' }
  | { readonly step: 'wait'; readonly why: Remark };

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
  const kept = volumes.find((volume) => isFor(volume, claim) && !volume.metadata?.deletionTimestamp);
  if (kept) return { step: 'bind', volume: kept };
  const byDefault = storageClassName === undefined ? classes.find(isDefault) : undefined;
  if (byDefault) return { step: 'classify', of: byDefault };
  const own = storageClassName ? classes.find(({ metadata }) => metadata?.name === storageClassName) : undefined;
  const waits = isDelayed(own);
  if (waits && !claim.metadata?.annotations?.[SELECTED_NODE])
    return wait('WaitForFirstConsumer', 'waiting for first consumer to be created before binding');
  // What is there for the node of the pod, the scheduler has taken already.
  const fit = waits ? undefined : smallestFit(claim, volumes);
  return fit ? { step: 'bind', volume: fit } : planNew(storageClassName, own);
}

function planNew(className: string | undefined, own: Class | undefined): ClaimStep {
  if (own?.provisioner === PROVISIONER) return { step: 'provision', of: own };
  const none = 'no persistent volumes available for this claim and no storage class is set';
  if (!className) return wait('FailedBinding', none);
  if (!own) {
    const message = `storageclass.storage.k8s.io "${className}" not found`;
    return { step: 'wait', why: { type: 'Warning', reason: 'ProvisioningFailed', message } };
  }
  const unmade = `no volume fits, and class "${className}" makes none`;
  if (!isProvisioning(own)) return wait('FailedBinding', unmade);
  return wait('ExternalProvisioning', `waiting for a volume to be created by '${own.provisioner}'`);
}

function planNamed(claim: Claim, volume: Volume | undefined): ClaimStep {
  const name = claim.spec?.volumeName;
  if (!volume && claim.status?.phase === 'Bound') return { step: 'lost' };
  if (!volume) return wait('FailedBinding', `volume "${name}" not found`);
  if (!volume.spec?.claimRef || isFor(volume, claim)) return { step: 'bind', volume };
  return wait('FailedBinding', `volume "${name}" already bound to a different claim.`);
}

function wait(reason: string, message: string): ClaimStep {
  return { step: 'wait', why: { type: 'Normal', reason, message } };
}

const isDefault = ({ metadata }: Class): boolean => metadata?.annotations?.[IS_DEFAULT] === 'true';

/** Whether claims of the class are bound only when the node of a pod that uses them is known. */
export const isDelayed = (of: Class | undefined): boolean => of?.volumeBindingMode === 'WaitForFirstConsumer';

/** Whether anybody makes volumes of the class. */
export const isProvisioning = ({ provisioner }: Class): boolean => provisioner !== 'kubernetes.io/no-provisioner';

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
