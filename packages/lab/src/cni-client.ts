import { hasCode, PodwireError } from '@podwire/base';
import type { Informers } from '@podwire/kube';
import { cniRequest, pluginConfig } from '@podwire/pods';
import type { Cni, CniAttachment } from './runtime/cni.ts';

const TRY_LATER = 11;
/** Ten seconds of 20 ms: an agent that starts needs a moment until it serves its socket. */
const ATTEMPTS = 500;

/** Calls a node's CNI plugin over its socket, as the binary does, with the pod's host ports as portMappings. */
export function createCniClient(socketPath: string, informers: Informers): Cni {
  const call = async (command: 'ADD' | 'DEL', attachment: CniAttachment): Promise<string> => {
    const runtimeConfig = command === 'ADD' ? { portMappings: portMappings(informers, attachment) } : {};
    for (let attempt = 1; ; attempt++) {
      const answer = await cniRequest(socketPath, environment(command, attachment), pluginConfig(runtimeConfig)).catch(
        (error) => {
          if (!hasCode(error, 'PODS_TRY_LATER') || attempt === ATTEMPTS) throw error;
          return undefined;
        },
      );
      if (answer?.exitCode === 0) return answer.stdout;
      if (answer)
        throwUnlessLater(answer.stdout, `CNI ${command} for ${attachment.podNamespace}/${attachment.podName}`, attempt);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  return {
    add: async (attachment) => {
      const result = JSON.parse(await call('ADD', attachment)) as { ips?: readonly { address: string }[] };
      return { ips: (result.ips ?? []).map(({ address }) => address.split('/')[0] ?? '') };
    },
    del: async (attachment) => void (await call('DEL', attachment)),
  };
}

function throwUnlessLater(stdout: string, what: string, attempt: number): void {
  const { code, msg, details } = JSON.parse(stdout) as { code?: number; msg?: string; details?: string };
  if (code === TRY_LATER && attempt < ATTEMPTS) return;
  throw new PodwireError('LAB_CNI', `${what} failed with code ${code}: ${msg}${details ? ` (${details})` : ''}`);
}

function environment(
  command: 'ADD' | 'DEL',
  { containerId, netns, ifName, podNamespace, podName, podUid }: CniAttachment,
): Record<string, string> {
  return {
    CNI_COMMAND: command,
    CNI_CONTAINERID: containerId,
    CNI_NETNS: netns,
    CNI_IFNAME: ifName,
    CNI_PATH: '/opt/cni/bin',
    CNI_ARGS: `IgnoreUnknown=1;K8S_POD_NAMESPACE=${podNamespace};K8S_POD_NAME=${podName};K8S_POD_INFRA_CONTAINER_ID=${containerId};K8S_POD_UID=${podUid}`,
  };
}

function portMappings(informers: Informers, { podNamespace, podName }: CniAttachment): object[] {
  const pod = informers.of('Pod').get(podName, podNamespace);
  return (pod?.spec?.containers ?? []).flatMap((container) =>
    (container.ports ?? [])
      .filter((port) => port.hostPort)
      .map(({ hostPort, containerPort, protocol = 'TCP', hostIP }) => ({
        hostPort,
        containerPort,
        protocol: protocol.toLowerCase(),
        ...(hostIP ? { hostIP } : {}),
      })),
  );
}
