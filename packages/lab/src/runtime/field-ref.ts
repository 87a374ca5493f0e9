import type { Pod } from '@podwire/kube';

/** What a downward API reference can see of its pod; addresses are known once the sandbox is up. */
export interface FieldSource {
  readonly pod: Pod;
  readonly podIp: string;
  readonly hostIp: string;
  readonly nodeName: string;
}

/** The value of `fieldRef.fieldPath`, or undefined for a path the downward API does not have for variables. */
export function resolveFieldRef(path: string, { pod, podIp, hostIp, nodeName }: FieldSource): string | undefined {
  const metadata = pod.metadata ?? {};
  switch (path) {
    case 'metadata.name':
      return metadata.name ?? '';
    case 'metadata.namespace':
      return metadata.namespace ?? '';
    case 'metadata.uid':
      return metadata.uid ?? '';
    case 'spec.nodeName':
      return nodeName;
    case 'spec.serviceAccountName':
      return pod.spec?.serviceAccountName ?? 'default';
    case 'status.podIP':
    case 'status.podIPs':
      return podIp;
    case 'status.hostIP':
    case 'status.hostIPs':
      return hostIp;
  }
  const keyed = /^metadata\.(labels|annotations)\['([^']*)'\]$/.exec(path);
  if (!keyed) return undefined;
  return (keyed[1] === 'labels' ? metadata.labels : metadata.annotations)?.[keyed[2] ?? ''] ?? '';
}
