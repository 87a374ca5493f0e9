import type { KubeClient, Pod } from '@podwire/kube';
import type { ContainerSpec } from './container-engine.ts';
import { type Container, containerEnvironment, type ReferenceSource } from './container-environment.ts';
import { ContainerMounts } from './container-mounts.ts';
import { userOf } from './container-user.ts';
import { type Environment, expandVariables, serviceEnvironment } from './environment.ts';
import type { PodContext } from './pod-context.ts';
import type { PodVolumes } from './pod-volumes.ts';
import type { Sandbox } from './sandbox.ts';

/** Makes of a container of the API what an engine runs. Rejects with LAB_CONTAINER_CONFIG. */
export async function buildContainerSpec(
  pod: Pod,
  container: Container,
  place: {
    readonly sandbox: Sandbox;
    readonly volumes: PodVolumes;
    readonly logPath: string;
    readonly context: PodContext;
  },
): Promise<ContainerSpec> {
  const { sandbox, volumes, logPath, context } = place;
  const { namespace = '', name: podName = '' } = pod.metadata ?? {};
  const services = context.informers.of('Service');
  await services.synced;
  const podIp = sandbox.ips[0] ?? '';
  const base = {
    HOSTNAME: sandbox.hostname,
    ...serviceEnvironment(services.list(), namespace, pod.spec?.enableServiceLinks ?? true),
  };
  const fields = { pod, podIp, hostIp: context.nodeAddress, nodeName: context.nodeName };
  const env = await containerEnvironment(container, base, { ...fields, ...references(context.client, namespace) });
  const warn = (reason: string, message: string): void =>
    context.events({ pod, type: 'Warning', reason, message, fieldPath: `spec.containers{${container.name}}` });
  const expand = (words: readonly string[] | undefined): string[] =>
    (words ?? []).map((word) => expandVariables(word, env));
  return {
    sandbox,
    mounts: new ContainerMounts({
      directory: `${logPath}.mounts`,
      binds: [...sandbox.binds, ...volumes.binds(container)],
      warn: (message) => warn('FailedMount', message),
    }),
    logPath,
    logDropped: (error) =>
      warn('LogDropped', `the log of container ${container.name} cannot be written, lines are lost: ${error.message}`),
    env,
    identity: {
      namespace,
      pod: podName,
      container: container.name,
      node: context.nodeName,
      address: podIp,
      hostname: sandbox.hostname,
      image: container.image ?? '',
    },
    image: container.image ?? '',
    command: expand(container.command),
    args: expand(container.args),
    workingDirectory: container.workingDir,
    user: userOf(pod, container),
    ports: (container.ports ?? []).map(({ containerPort, protocol }) => ({
      containerPort,
      protocol: protocolOf(protocol),
    })),
    tty: container.tty ?? false,
    stdin: container.stdin ?? false,
  };
}

function protocolOf(protocol: string | undefined): 'TCP' | 'UDP' | 'SCTP' {
  return protocol === 'UDP' || protocol === 'SCTP' ? protocol : 'TCP';
}

function references(client: KubeClient, namespace: string): ReferenceSource {
  return {
    configMap: async (name) => {
      const map = await client.get('ConfigMap', { namespace, name });
      return map && (map.data ?? {});
    },
    secret: async (name) => {
      const secret = await client.get('Secret', { namespace, name });
      return secret && decodeSecret(secret.data ?? {});
    },
  };
}

function decodeSecret(data: Readonly<Record<string, string>>): Environment {
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]));
}
