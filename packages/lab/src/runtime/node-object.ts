import os from 'node:os';
import { hasCode, type Logger, messageOf } from '@podwire/base';
import { type KubeClient, machineResources, type Node } from '@podwire/kube';
import { formatTime } from './pod-status.ts';

export interface NodeFacts {
  readonly name: string;
  readonly address: string;
  readonly zone?: string;
  readonly runtimeVersion: string;
}

/** The Kubernetes minor whose kubelet behaviour this runtime follows. */
const KUBELET_VERSION = 'v1.33.0-podwire';
const LEASE_SECONDS = 40;
const HEARTBEAT = 10_000;
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm64: 'arm64' };

/** Creates or refreshes the Node object; fields and conditions of others stay. */
export async function registerNode(client: KubeClient, facts: NodeFacts, now: Date): Promise<void> {
  const metadata = { name: facts.name, labels: nodeLabels(facts) };
  try {
    await client.create('Node', { metadata } satisfies Node);
  } catch (error) {
    if (!hasCode(error, 'KUBE_ALREADY_EXISTS')) throw error;
    await client.patch('Node', { name: facts.name }, { metadata: { labels: metadata.labels } });
  }
  await client.patch(
    'Node',
    { name: facts.name },
    { status: nodeStatus(facts, now) },
    { type: 'strategic', subresource: 'status' },
  );
}

function nodeLabels({ name, zone }: NodeFacts): Record<string, string> {
  return {
    'kubernetes.io/hostname': name,
    'kubernetes.io/os': 'linux',
    'kubernetes.io/arch': ARCHITECTURES[process.arch] ?? process.arch,
    ...(zone ? { 'topology.kubernetes.io/zone': zone } : {}),
  };
}

function nodeStatus({ name, address, runtimeVersion }: NodeFacts, now: Date): NonNullable<Node['status']> {
  const amounts = machineResources();
  return {
    addresses: [
      { type: 'InternalIP', address },
      { type: 'Hostname', address: name },
    ],
    capacity: amounts,
    allocatable: amounts,
    conditions: nodeConditions(formatTime(now)),
    nodeInfo: {
      kubeletVersion: KUBELET_VERSION,
      kubeProxyVersion: KUBELET_VERSION,
      containerRuntimeVersion: runtimeVersion,
      kernelVersion: os.release(),
      operatingSystem: 'linux',
      osImage: 'podwire lab node',
      architecture: ARCHITECTURES[process.arch] ?? process.arch,
      machineID: name,
      systemUUID: name,
      bootID: name,
    },
  };
}

type NodeCondition = NonNullable<NonNullable<Node['status']>['conditions']>[number];

function nodeConditions(time: string): NodeCondition[] {
  const make = (type: string, status: string, reason: string, message: string): NodeCondition => ({
    type,
    status,
    reason,
    message,
    lastHeartbeatTime: time,
    lastTransitionTime: time,
  });
  return [
    make('MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'),
    make('DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'),
    make('PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'),
    make('Ready', 'True', 'KubeletReady', 'the pod runtime of podwire is running'),
  ];
}

/**
 * Renews the node's Lease in kube-node-lease until stopped, and says again that the node is ready when the cluster has
 * given it up; a failure is tried again at the next beat.
 */
export function startHeartbeat(client: KubeClient, nodeName: string, logger: Logger): { stop(): void } {
  const beat = (): void => {
    renewLease(client, nodeName).catch((error) => logger.debug('lease not renewed', { reason: messageOf(error) }));
    reportReady(client, nodeName).catch((error) => logger.debug('node not reported', { reason: messageOf(error) }));
  };
  beat();
  const timer = setInterval(beat, HEARTBEAT).unref();
  return { stop: () => clearInterval(timer) };
}

async function reportReady(client: KubeClient, name: string): Promise<void> {
  const node = await client.get('Node', { name });
  const ready = node?.status?.conditions?.find(({ type }) => type === 'Ready');
  if (ready?.status !== 'Unknown') return;
  const conditions = nodeConditions(formatTime(new Date()));
  await client.patch('Node', { name }, { status: { conditions } }, { type: 'strategic', subresource: 'status' });
}

async function renewLease(client: KubeClient, name: string): Promise<void> {
  const key = { namespace: 'kube-node-lease', name };
  const renewTime = new Date().toISOString().replace('Z', '000Z');
  if (await client.get('Lease', key)) {
    await client.patch('Lease', key, { spec: { renewTime } });
    return;
  }
  // Whoever deletes the node deletes its lease.
  const { uid = '' } = (await client.get('Node', { name }))?.metadata ?? {};
  const ownerReferences = uid ? [{ apiVersion: 'v1', kind: 'Node', name, uid }] : [];
  await client.create('Lease', {
    metadata: { ...key, ownerReferences },
    spec: { holderIdentity: name, leaseDurationSeconds: LEASE_SECONDS, renewTime },
  });
}
