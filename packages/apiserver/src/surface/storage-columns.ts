import type { PersistentVolume, PersistentVolumeClaim } from 'kubernetes-types/core/v1.js';
import type { StorageClass } from 'kubernetes-types/storage/v1.js';
import { type Column, text, wide } from './columns.ts';
import { age } from './workload-columns.ts';

const UNSET = '<unset>';
const MODES: readonly (readonly [mode: string, short: string])[] = [
  ['ReadWriteOnce', 'RWO'],
  ['ReadOnlyMany', 'ROX'],
  ['ReadWriteMany', 'RWX'],
  ['ReadWriteOncePod', 'RWOP'],
];
const CLASS_BEFORE_FIELD = 'volume.beta.kubernetes.io/storage-class';
const IS_DEFAULT = ['storageclass.kubernetes.io/is-default-class', 'storageclass.beta.kubernetes.io/is-default-class'];

function accessModes(modes: readonly string[] = []): string {
  return MODES.flatMap(([mode, short]) => (modes.includes(mode) ? [short] : [])).join(',');
}

type Claimed = PersistentVolume | PersistentVolumeClaim;

function phase({ metadata, status }: Claimed): string {
  return metadata?.deletionTimestamp ? 'Terminating' : (status?.phase ?? '');
}

function storageClass({ metadata, spec }: Claimed): string {
  return metadata?.annotations?.[CLASS_BEFORE_FIELD] ?? spec?.storageClassName ?? '';
}

const COMMON_ENDS: readonly Column<Claimed>[] = [
  text('StorageClass', storageClass),
  text('VolumeAttributesClass', ({ spec }) => spec?.volumeAttributesClassName ?? UNSET),
];
const VOLUME_MODE: Column<Claimed> = wide('VolumeMode', ({ spec }) => spec?.volumeMode ?? UNSET);

export const PERSISTENT_VOLUME_COLUMNS: readonly Column<PersistentVolume>[] = [
  text('Capacity', ({ spec }) => spec?.capacity?.storage ?? ''),
  text('Access Modes', ({ spec }) => accessModes(spec?.accessModes)),
  text('Reclaim Policy', ({ spec }) => spec?.persistentVolumeReclaimPolicy ?? ''),
  text('Status', phase),
  text('Claim', ({ spec }) => (spec?.claimRef ? `${spec.claimRef.namespace}/${spec.claimRef.name}` : '')),
  ...COMMON_ENDS,
  text('Reason', ({ status }) => status?.reason ?? ''),
  age(),
  VOLUME_MODE,
];

export const PERSISTENT_VOLUME_CLAIM_COLUMNS: readonly Column<PersistentVolumeClaim>[] = [
  text('Status', phase),
  text('Volume', ({ spec }) => spec?.volumeName ?? ''),
  // Known once there is a volume.
  text('Capacity', ({ spec, status }) => (spec?.volumeName ? (status?.capacity?.storage ?? '') : '')),
  text('Access Modes', ({ spec, status }) => (spec?.volumeName ? accessModes(status?.accessModes) : '')),
  ...COMMON_ENDS,
  age(),
  VOLUME_MODE,
];

export const STORAGE_CLASS_COLUMNS: readonly Column<StorageClass>[] = [
  text('Name', ({ metadata }) => {
    const isDefault = IS_DEFAULT.some((key) => metadata?.annotations?.[key] === 'true');
    return `${metadata?.name ?? ''}${isDefault ? ' (default)' : ''}`;
  }),
  text('Provisioner', ({ provisioner }) => provisioner),
  text('ReclaimPolicy', ({ reclaimPolicy }) => reclaimPolicy ?? 'Delete'),
  text('VolumeBindingMode', ({ volumeBindingMode }) => volumeBindingMode ?? 'Immediate'),
  text('AllowVolumeExpansion', ({ allowVolumeExpansion }) => String(allowVolumeExpansion ?? false)),
  age(),
];
