import { isDeepStrictEqual } from 'node:util';
import type { CSIDriver, CSINode, VolumeAttachment } from '@podwire/kube';
import type { FieldErrors } from './field-errors.ts';

const MODES = ['Ephemeral', 'Persistent'];

/** Persistent volumes, unless the driver says what it has. */
export function defaultDriver({ spec }: CSIDriver): void {
  if (spec && !spec.volumeLifecycleModes?.length) spec.volumeLifecycleModes = ['Persistent'];
}

export function validateDriver({ spec }: CSIDriver, errors: FieldErrors): void {
  for (const mode of spec?.volumeLifecycleModes ?? []) {
    if (!MODES.includes(mode)) errors.unsupported('spec.volumeLifecycleModes', mode, MODES);
  }
}

export function validateDriverUpdate(next: CSIDriver, old: CSIDriver, errors: FieldErrors): void {
  const { attachRequired, volumeLifecycleModes: modes } = next.spec;
  if (attachRequired !== old.spec.attachRequired)
    errors.invalid('spec.attachRequired', attachRequired, 'field is immutable');
  if (!isDeepStrictEqual(modes, old.spec.volumeLifecycleModes))
    errors.invalid('spec.volumeLifecycleModes', modes, 'field is immutable');
}

export function validateCsiNode({ spec }: CSINode, errors: FieldErrors): void {
  const names = new Set<string>();
  spec?.drivers.forEach(({ name, allocatable }, index) => {
    const at = `spec.drivers[${index}]`;
    if (names.has(name)) errors.duplicate(`${at}.name`, name);
    names.add(name);
    const { count } = allocatable ?? {};
    if (count !== undefined && count < 0)
      errors.invalid(`${at}.allocatable.count`, count, 'must be greater than or equal to 0');
  });
}

export function validateAttachment({ spec }: VolumeAttachment, errors: FieldErrors): void {
  const { inlineVolumeSpec, persistentVolumeName } = spec?.source ?? {};
  if (!inlineVolumeSpec && !persistentVolumeName)
    errors.required('spec.source', 'must specify exactly one of inlineVolumeSpec and persistentVolumeName');
  if (inlineVolumeSpec && persistentVolumeName)
    errors.invalid('spec.source', spec.source, 'must specify exactly one of inlineVolumeSpec and persistentVolumeName');
}

export function validateAttachmentUpdate(next: VolumeAttachment, old: VolumeAttachment, errors: FieldErrors): void {
  if (!isDeepStrictEqual(next.spec, old.spec)) errors.invalid('spec', next.spec, 'field is immutable');
}
