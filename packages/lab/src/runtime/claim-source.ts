import type { KubeClient, ObjectKey, ObjectOf } from '@podwire/kube';
import type { Volume } from './volume-source.ts';

/** Where the data of a PersistentVolumeClaim is. */
export interface ClaimSource {
  /** Its uid names its directory of the lab. */
  readonly metadata: NonNullable<ObjectOf<'PersistentVolumeClaim'>['metadata']>;
  readonly isBound: boolean;
  /** A place of the machine that its volume names, instead of that directory. */
  readonly hostPath?: NonNullable<Volume['hostPath']>;
}

export async function claimSource(client: Pick<KubeClient, 'get'>, key: ObjectKey): Promise<ClaimSource | undefined> {
  const { metadata, spec, status } = (await client.get('PersistentVolumeClaim', key)) ?? {};
  if (!metadata?.uid) return undefined;
  if (!spec?.volumeName || status?.phase !== 'Bound') return { metadata, isBound: false };
  const volume = await client.get('PersistentVolume', { name: spec.volumeName });
  const { hostPath, local } = volume?.spec ?? {};
  const place = hostPath ?? (local && { path: local.path });
  return { metadata, isBound: true, ...(place ? { hostPath: place } : {}) };
}
