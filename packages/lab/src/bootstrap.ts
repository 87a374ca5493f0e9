import { hasCode } from '@podwire/base';
import type { KindName, KubeClient, ObjectOf } from '@podwire/kube';
import { AGENT, CONTROLLERS } from './agent-tokens.ts';
import type { LabConfig } from './lab-config.ts';

/** Creates what every cluster has before the first manifest; what is there already stays as it is. */
export async function bootstrapCluster(client: KubeClient, config: LabConfig): Promise<void> {
  for (const metadata of [AGENT, CONTROLLERS]) await ensure(client, 'ServiceAccount', { metadata });
  await ensure(client, 'IngressClass', {
    metadata: { name: 'podwire', annotations: { 'ingressclass.kubernetes.io/is-default-class': 'true' } },
    spec: { controller: 'podwire.io/ingress-controller' },
  });
  await ensure(client, 'StorageClass', {
    metadata: { name: 'directory', annotations: { 'storageclass.kubernetes.io/is-default-class': 'true' } },
    provisioner: 'podwire.io/directory',
  });
  await ensure(client, 'Service', {
    metadata: {
      name: 'kube-dns',
      namespace: 'kube-system',
      // The proxy label: every node answers at this address itself, so the services room leaves it alone.
      labels: {
        'k8s-app': 'kube-dns',
        'kubernetes.io/name': 'CoreDNS',
        'kubernetes.io/cluster-service': 'true',
        'service.kubernetes.io/service-proxy-name': 'podwire-dns',
      },
    },
    spec: {
      clusterIP: config.cluster.dnsAddress,
      ports: [
        { name: 'dns', port: 53, protocol: 'UDP' },
        { name: 'dns-tcp', port: 53, protocol: 'TCP' },
      ],
    },
  });
}

async function ensure<K extends KindName>(client: KubeClient, kind: K, object: ObjectOf<K>): Promise<void> {
  try {
    await client.create(kind, object);
  } catch (error) {
    if (!hasCode(error, 'KUBE_ALREADY_EXISTS')) throw error;
  }
}
