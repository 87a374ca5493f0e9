import type { CSIDriver, CSINode, CSIStorageCapacity, VolumeAttachment } from '@podwire/kube';
import { type Column, count, NONE, text } from './columns.ts';
import { age } from './workload-columns.ts';

const UNSET = '<unset>';

function flag<T>(name: string, cell: (object: T) => boolean): Column<T> {
  return { name, type: 'boolean', wide: false, cell };
}

export const CSI_DRIVER_COLUMNS: readonly Column<CSIDriver>[] = [
  flag('AttachRequired', ({ spec }) => spec?.attachRequired ?? true),
  flag('PodInfoOnMount', ({ spec }) => spec?.podInfoOnMount ?? false),
  flag('StorageCapacity', ({ spec }) => spec?.storageCapacity ?? false),
  text('TokenRequests', ({ spec }) => spec?.tokenRequests?.map(({ audience }) => audience).join() ?? UNSET),
  flag('RequiresRepublish', ({ spec }) => spec?.requiresRepublish ?? false),
  text('Modes', ({ spec }) => spec?.volumeLifecycleModes?.join() || NONE),
  age(),
];

export const CSI_NODE_COLUMNS: readonly Column<CSINode>[] = [
  count('Drivers', ({ spec }) => spec?.drivers?.length),
  age(),
];

export const CSI_STORAGE_CAPACITY_COLUMNS: readonly Column<CSIStorageCapacity>[] = [
  text('StorageClassName', ({ storageClassName }) => storageClassName ?? ''),
  text('Capacity', ({ capacity }) => capacity ?? UNSET),
];

export const VOLUME_ATTACHMENT_COLUMNS: readonly Column<VolumeAttachment>[] = [
  text('Attacher', ({ spec }) => spec?.attacher),
  text('PV', ({ spec }) => spec?.source?.persistentVolumeName ?? ''),
  text('Node', ({ spec }) => spec?.nodeName ?? ''),
  flag('Attached', ({ status }) => status?.attached ?? false),
  age(),
];
