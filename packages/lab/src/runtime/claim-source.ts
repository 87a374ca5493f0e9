import type { KubeClient, ObjectKey } from '@podwire/kube';
import type { Volume } from './volume-source.ts';

/** Where the data of a PersistentVolumeClaim is. */
export interface ClaimSource {
  /** Names its directory of the lab. */
  readonly uid: string;
  readonly isBound: boolean;
  /** A place of the machine that its volume names, instead of that directory. */
  readonly hostPath?: NonNullable<Volume['hostPath']>;
}

export async function claimSource(client: Pick<KubeClient, 'get'>, key: ObjectKey): Promise<ClaimSource | undefined> {
  const { metadata, spec, status } = (await client.get('PersistentVolumeClaim', key)) ?? {};
  if (!metadata?.uid) return undefined;
  const { uid } = metadata;
  if (!spec?.volumeName || status?.phase !== 'Bound') return { uid, isBound: false };
  const volume = await client.get('PersistentVolume', { name: spec.volumeName });
  const { hostPath, local } = volume?.spec ?? {};
  const place = hostPath ?? (local && { path: local.path });
  return { uid, isBound: true, ...(place ? { hostPath: place } : {}) };
}
