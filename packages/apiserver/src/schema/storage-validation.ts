import { isDeepStrictEqual } from 'node:util';
import { quantityValue } from '@podwire/kube';
import type { PersistentVolume, PersistentVolumeClaim } from 'kubernetes-types/core/v1.js';
import type { StorageClass } from 'kubernetes-types/storage/v1.js';
import type { FieldErrors } from './field-errors.ts';
import { dnsSubdomain } from './names.ts';
import { PERSISTENT_VOLUME_TYPES } from './storage-types.ts';

const MODES = ['ReadOnlyMany', 'ReadWriteMany', 'ReadWriteOnce', 'ReadWriteOncePod'];

function validateModes(modes: readonly string[] = [], errors: FieldErrors, detail?: string): void {
  if (modes.length === 0) errors.required('spec.accessModes', detail);
  for (const mode of modes) if (!MODES.includes(mode)) errors.unsupported('spec.accessModes', mode, MODES);
  if (modes.length > 1 && modes.includes('ReadWriteOncePod')) {
    errors.forbidden('spec.accessModes', 'may not use ReadWriteOncePod with other access modes');
  }
}

/** The fields of a PersistentVolumeSpec that say where the data is. */
const SOURCES: ReadonlySet<string> = new Set(
  [...(PERSISTENT_VOLUME_TYPES.PersistentVolumeSpec ?? '').matchAll(/(\w+):\w+VolumeSource/g)].map(
    ([, name = '']) => name,
  ),
);

function sourcesOf(spec: object | undefined): readonly [name: string, source: unknown][] {
  return Object.entries(spec ?? {}).filter(([name]) => SOURCES.has(name));
}

export function validatePersistentVolume({ spec }: PersistentVolume, errors: FieldErrors): void {
  validateModes(spec?.accessModes, errors);
  const storage = spec?.capacity?.storage;
  if (!spec?.capacity) errors.required('spec.capacity');
  else if (storage === undefined) errors.unsupported('spec.capacity', Object.keys(spec.capacity), ['storage']);
  else if (!(quantityValue(storage) > 0))
    errors.invalid('spec.capacity[storage]', storage, 'must be greater than zero');
  const sources = sourcesOf(spec);
  if (sources.length === 0) errors.required('spec', 'must specify a volume type');
  for (const [name] of sources.slice(1)) errors.forbidden(`spec.${name}`, 'may not specify more than 1 volume type');
  if (spec?.local && !spec.nodeAffinity) errors.required('spec.nodeAffinity', 'Local volume requires node affinity');
  validateClassName(spec?.storageClassName, errors);
}

function validateClassName(name: string | undefined, errors: FieldErrors): void {
  if (name) errors.invalidEach('spec.storageClassName', name, dnsSubdomain(name));
}

export function validatePersistentVolumeUpdate(
  next: PersistentVolume,
  old: PersistentVolume,
  errors: FieldErrors,
): void {
  if (!same(sourcesOf(next.spec), sourcesOf(old.spec))) {
    errors.forbidden('spec.persistentvolumesource', 'spec.persistentvolumesource is immutable after creation');
  }
  const [mode, oldMode] = [next.spec?.volumeMode, old.spec?.volumeMode];
  if (mode !== oldMode) errors.invalid('spec.volumeMode', mode ?? null, 'field is immutable');
}

export function validatePersistentVolumeClaim({ spec }: PersistentVolumeClaim, errors: FieldErrors): void {
  validateModes(spec?.accessModes, errors, 'at least 1 access mode is required');
  const storage = spec?.resources?.requests?.storage;
  if (storage === undefined) errors.required('spec.resources[storage]');
  else if (!(quantityValue(storage) > 0)) {
    errors.invalid('spec.resources[storage]', storage, 'must be greater than zero');
  }
  validateClassName(spec?.storageClassName, errors);
}

const CLAIM_FIXED =
  'spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims';

export function validatePersistentVolumeClaimUpdate(
  next: PersistentVolumeClaim,
  old: PersistentVolumeClaim,
  errors: FieldErrors,
): void {
  const { resources: wanted, volumeAttributesClassName: _, volumeName, storageClassName, ...spec } = next.spec ?? {};
  const { resources: had, volumeAttributesClassName: __, ...oldFields } = old.spec ?? {};
  const { volumeName: oldVolume, storageClassName: oldClass, ...oldSpec } = oldFields;
  // Both may come later, and stay.
  const isKept = (before: string | undefined, after: string | undefined) => before === undefined || before === after;
  const isFixed = same(spec, oldSpec) && isKept(oldVolume, volumeName) && isKept(oldClass, storageClassName);
  if (!isFixed) errors.forbidden('spec', CLAIM_FIXED);
  const [size, oldSize] = [wanted?.requests?.storage, had?.requests?.storage];
  if (size === undefined || oldSize === undefined || quantityValue(size) === quantityValue(oldSize)) return;
  if (old.status?.phase !== 'Bound') errors.forbidden('spec', CLAIM_FIXED);
  else if (quantityValue(size) < quantityValue(oldSize)) {
    errors.forbidden('spec.resources.requests.storage', 'field can not be less than status.capacity');
  }
}

export function validateStorageClassUpdate(next: StorageClass, old: StorageClass, errors: FieldErrors): void {
  for (const field of ['parameters', 'provisioner', 'reclaimPolicy'] as const) {
    if (!same(next[field], old[field])) errors.forbidden(field, `updates to ${field} are forbidden.`);
  }
  if (next.volumeBindingMode !== old.volumeBindingMode) {
    errors.invalid('volumeBindingMode', next.volumeBindingMode ?? null, 'field is immutable');
  }
}

function same(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(JSON.parse(JSON.stringify(a ?? null)), JSON.parse(JSON.stringify(b ?? null)));
}
