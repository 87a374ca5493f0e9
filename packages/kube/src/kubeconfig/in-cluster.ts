import { existsSync, readFileSync } from 'node:fs';
import { isIPv6 } from 'node:net';
import path from 'node:path';
import { PodwireError } from '@podwire/base';
import type { KubeContext } from './context.ts';

const DIRECTORY = '/var/run/secrets/kubernetes.io/serviceaccount';

export interface PodSource {
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Where the service account is mounted. */
  readonly directory?: string;
}

/** Whether this is a container with a service account. */
export function isInCluster({ env = process.env, directory = DIRECTORY }: PodSource = {}): boolean {
  return (
    Boolean(env.KUBERNETES_SERVICE_HOST && env.KUBERNETES_SERVICE_PORT) && existsSync(path.join(directory, 'token'))
  );
}

/**
 * The API server as a pod finds it: address from the environment, token and CA from the mounted service account, both read again
 * when they change. Throws KUBE_BAD_KUBECONFIG.
 */
export function inClusterContext({ env = process.env, directory = DIRECTORY }: PodSource = {}): KubeContext {
  const { KUBERNETES_SERVICE_HOST: host, KUBERNETES_SERVICE_PORT: port } = env;
  if (!host || !port)
    throw missing(
      'KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set: this is no pod; give it a kubeconfig',
    );
  const tokenFile = path.join(directory, 'token');
  if (!existsSync(tokenFile))
    throw missing(`${tokenFile} is not there; set automountServiceAccountToken of the pod and its service account`);
  const caFile = path.join(directory, 'ca.crt');
  const namespaceFile = path.join(directory, 'namespace');
  return {
    name: 'in-cluster',
    endpoint: {
      url: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`,
      tokenFile,
      ...(existsSync(caFile) && { caFile }),
    },
    namespace: existsSync(namespaceFile) ? readFileSync(namespaceFile, 'utf8').trim() || 'default' : 'default',
  };
}

const missing = (why: string) => new PodwireError('KUBE_BAD_KUBECONFIG', `in-cluster configuration: ${why}`);
