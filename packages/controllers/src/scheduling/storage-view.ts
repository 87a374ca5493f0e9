import type { Informers, ObjectOf } from '@podwire/kube';

/** What the volumes of pods depend on, as it is now. */
export interface StorageView {
  claim(name: string, namespace: string): ObjectOf<'PersistentVolumeClaim'> | undefined;
  volume(name: string): ObjectOf<'PersistentVolume'> | undefined;
  volumes(): readonly ObjectOf<'PersistentVolume'>[];
  storageClass(name: string): ObjectOf<'StorageClass'> | undefined;
  /** What the CSI drivers of a node say of it. */
  csiNode(name: string): ObjectOf<'CSINode'> | undefined;
}

export const NO_STORAGE: StorageView = {
  claim: () => undefined,
  volume: () => undefined,
  volumes: () => [],
  storageClass: () => undefined,
  csiNode: () => undefined,
};

export function storageOf(informers: Informers): StorageView {
  const [claims, volumes] = [informers.of('PersistentVolumeClaim'), informers.of('PersistentVolume')];
  const [classes, csiNodes] = [informers.of('StorageClass'), informers.of('CSINode')];
  return {
    claim: (name, namespace) => claims.get(name, namespace),
    volume: (name) => volumes.get(name),
    volumes: () => volumes.list(),
    storageClass: (name) => classes.get(name),
    csiNode: (name) => csiNodes.get(name),
  };
}
