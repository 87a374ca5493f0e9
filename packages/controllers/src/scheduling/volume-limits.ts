import { claimNames, type ObjectOf } from '@podwire/kube';
import { namespaceOf } from '../context.ts';
import type { NodeView } from './cluster-view.ts';
import type { StorageView } from './storage-view.ts';

type Pod = ObjectOf<'Pod'>;

/** CSI drivers by what is attached through them: the same volume of two pods is attached once. */
type Attachments = ReadonlyMap<string, string>;

const EXCEEDED = 'node(s) exceed max volume count';

/** Whether a node would have more volumes of a CSI driver than its CSINode allows; nodes that do not say take all. */
export function volumeLimits(pod: Pod, storage: StorageView): (at: NodeView) => string | undefined {
  const wanted = attachmentsOf(pod, storage);
  if (wanted.size === 0) return () => undefined;
  const drivers = new Set(wanted.values());
  return ({ name, pods }) => {
    const limits = (storage.csiNode(name)?.spec?.drivers ?? []).filter((driver) => drivers.has(driver.name));
    if (limits.every(({ allocatable }) => allocatable?.count === undefined)) return undefined;
    const present = new Map(pods.flatMap((other) => [...attachmentsOf(other, storage)]));
    const isOver = limits.some(({ name: driver, allocatable }) => {
      const added = [...wanted].filter(([volume, by]) => by === driver && !present.has(volume)).length;
      const used = [...present.values()].filter((by) => by === driver).length;
      return added > 0 && used + added > (allocatable?.count ?? Number.POSITIVE_INFINITY);
    });
    return isOver ? EXCEEDED : undefined;
  };
}

/** Of a claim without a volume: what its class will have made for it. */
function attachmentsOf(pod: Pod, storage: StorageView): Attachments {
  const namespace = namespaceOf(pod);
  const found = new Map<string, string>();
  for (const name of claimNames(pod)) {
    const { spec } = storage.claim(name, namespace) ?? {};
    const csi = spec?.volumeName ? storage.volume(spec.volumeName)?.spec?.csi : undefined;
    if (csi) found.set(`${csi.driver} ${csi.volumeHandle}`, csi.driver);
    const made = spec && !spec.volumeName ? storage.storageClass(spec.storageClassName ?? '') : undefined;
    if (made) found.set(`${made.provisioner} ${namespace}/${name}`, made.provisioner);
  }
  return found;
}
