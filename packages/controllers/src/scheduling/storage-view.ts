import type { Informers, ObjectOf } from '@podwire/kube';

/** What the volumes of pods depend on, as it is now. */
export interface StorageView {
  claim(name: string, namespace: string): ObjectOf<'PersistentVolumeClaim'> | undefined;
  volume(name: string): ObjectOf<'PersistentVolume'> | undefined;
  volumes(): readonly ObjectOf<'PersistentVolume'>[];
  storageClass(name: string): ObjectOf<'StorageClass'> | undefined;
}

export const NO_STORAGE: StorageView = {
  claim: () => undefined,
  volume: () => undefined,
  volumes: () => [],
  storageClass: () => undefined,
};

export function storageOf(informers: Informers): StorageView {
  const [claims, volumes] = [informers.of('PersistentVolumeClaim'), informers.of('PersistentVolume')];
  const classes = informers.of('StorageClass');
  return {
    claim: (name, namespace) => claims.get(name, namespace),
    volume: (name) => volumes.get(name),
    volumes: () => volumes.list(),
    storageClass: (name) => classes.get(name),
  };
}
