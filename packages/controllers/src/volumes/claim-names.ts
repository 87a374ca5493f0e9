import type { ObjectOf } from '@podwire/kube';

/** Of the claims a pod's volumes are. */
export function claimNames({ spec }: ObjectOf<'Pod'>): string[] {
  return (spec?.volumes ?? []).flatMap(({ persistentVolumeClaim: source }) => (source ? [source.claimName] : []));
}
