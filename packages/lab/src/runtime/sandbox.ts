import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { messageOf, PodwireError } from '@podwire/base';
import { createNetns, deleteNetns, type Netns, pidsInNetns } from '@podwire/kernel';
import type { ClusterConfig, Pod } from '@podwire/kube';
import type { Cni, CniAttachment } from './cni.ts';
import { formatHosts, podHostname } from './hosts-file.ts';
import { formatResolver, podResolver, type ResolverConfig } from './resolver-file.ts';

interface Bind {
  readonly source: string;
  readonly target: string;
}

/** What all containers of a pod share. */
export interface Sandbox {
  readonly netns: Netns;
  readonly ips: readonly string[];
  readonly hostname: string;
  /** The pod's own /etc/hostname, /etc/hosts and /etc/resolv.conf, laid over the host's. */
  readonly binds: readonly Bind[];
  /** Gives the attachment back, ends what still runs inside, removes namespace and files. Does not reject. */
  remove(): Promise<void>;
}

export interface SandboxContext {
  readonly config: Pick<ClusterConfig, 'clusterDomain' | 'dnsAddress'>;
  readonly cni: Cni;
  readonly netnsPrefix: string;
  readonly nodeNetns: Netns;
  readonly nodeAddress: string;
  readonly nodeResolver: ResolverConfig;
  readonly onError: (what: string, error: unknown) => void;
}

/** Removes the directory of a pod, or of a sandbox, with everything in it. */
export function removeDirectory(directory: string): void {
  fs.rmSync(directory, { recursive: true, force: true });
}

/** Makes namespace, interface and files of a pod; leaves nothing when it rejects (LAB_SANDBOX). */
export async function createSandbox(pod: Pod, directory: string, context: SandboxContext): Promise<Sandbox> {
  fs.mkdirSync(directory, { recursive: true, mode: 0o700 });
  if (pod.spec?.hostNetwork) return hostSandbox(pod, directory, context);
  const id = randomBytes(32).toString('hex');
  const name = `${context.netnsPrefix}-${id.slice(0, 10)}`;
  const netns = createNetns(name);
  const attachment: CniAttachment = {
    containerId: id,
    netns: netns.path,
    ifName: 'eth0',
    podNamespace: pod.metadata?.namespace ?? '',
    podName: pod.metadata?.name ?? '',
    podUid: pod.metadata?.uid ?? '',
  };
  const remove = async (): Promise<void> => {
    await tearDown(netns, name, () => context.cni.del(attachment), context.onError);
    removeDirectory(directory);
  };
  try {
    const { ips } = await context.cni.add(attachment);
    return { netns, ips, hostname: podHostname(pod), binds: writeFiles(pod, directory, ips[0] ?? '', context), remove };
  } catch (cause) {
    await remove();
    throw new PodwireError('LAB_SANDBOX', messageOf(cause), { cause });
  }
}

function hostSandbox(pod: Pod, directory: string, context: SandboxContext): Sandbox {
  return {
    netns: context.nodeNetns,
    ips: [context.nodeAddress],
    hostname: podHostname(pod),
    binds: writeFiles(pod, directory, context.nodeAddress, context),
    remove: async () => removeDirectory(directory),
  };
}

function writeFiles(pod: Pod, directory: string, podIp: string, { config, nodeResolver }: SandboxContext): Bind[] {
  const { clusterDomain, dnsAddress } = config;
  const resolver = podResolver({
    namespace: pod.metadata?.namespace ?? '',
    spec: pod.spec ?? {},
    clusterDomain,
    dnsAddress,
    node: nodeResolver,
  });
  const files: [name: string, text: string][] = [
    ['hostname', `${podHostname(pod)}\n`],
    ['hosts', formatHosts({ pod, podIp, clusterDomain })],
    ['resolv.conf', formatResolver(resolver)],
  ];
  return files.map(([name, text]) => {
    const source = path.join(directory, name);
    fs.writeFileSync(source, text, { mode: 0o644 });
    return { source, target: `/etc/${name}` };
  });
}

async function tearDown(
  netns: Netns,
  name: string,
  detach: () => Promise<void>,
  onError: SandboxContext['onError'],
): Promise<void> {
  try {
    killAll(netns);
    await detach();
  } catch (error) {
    onError('CNI DEL', error);
  }
  try {
    netns.close();
    deleteNetns(name);
  } catch (error) {
    onError('delete network namespace', error);
  }
}

/** Daemons that left their container's process group are found by the namespace they are in. */
function killAll(netns: Netns): void {
  for (const pid of pidsInNetns(netns.inode)) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended in between.
    }
  }
}
