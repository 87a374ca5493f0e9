import type { Informers, KubeClient, Lease, Node, Pod } from '@podwire/kube';

const CONDITIONS = [
  ['MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available'],
  ['DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure'],
  ['PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available'],
  ['Ready', 'True', 'KubeletReady', 'kubelet is posting ready status'],
] as const;

/** A third of what a node may be silent for, as kubelets do. */
const RENEW_INTERVAL = 10_000;

/** A node that is ready for pods. */
export async function makeNode(client: KubeClient, name: string, address: string): Promise<void> {
  await client.create('Node', { metadata: { name, labels: { 'kubernetes.io/hostname': name } } });
  const now = new Date().toISOString().replace(/\.\d+Z/, 'Z');
  const resources = { cpu: '4', memory: '8Gi', pods: '110' };
  const status = {
    capacity: resources,
    allocatable: resources,
    addresses: [
      { type: 'InternalIP', address },
      { type: 'Hostname', address: name },
    ],
    conditions: CONDITIONS.map(([type, state, reason, message]) => {
      return { type, status: state, reason, message, lastHeartbeatTime: now, lastTransitionTime: now };
    }),
    nodeInfo: {
      kubeletVersion: 'v1.33.0',
      osImage: 'Debian',
      kernelVersion: '6.1.0',
      containerRuntimeVersion: 'containerd://2.0.0',
      operatingSystem: 'linux',
      architecture: 'amd64',
    },
  } as unknown as NonNullable<Node['status']>;
  await client.patch('Node', { name }, { status }, { subresource: 'status' });
}

/** Plays the kubelets of the nodes: they renew their leases, pods that are bound run and are ready, those to end go at once. */
export function playKubelets(client: KubeClient, informers: Informers, nodes: readonly string[]): () => void {
  let next = 1;
  const renew = (): void => {
    for (const name of nodes) void renewLease(client, name).catch(() => {});
  };
  renew();
  const renewing = setInterval(renew, RENEW_INTERVAL).unref();
  const leave = informers.of('Pod').subscribe(({ type, object: { metadata, spec, status } }) => {
    const key = { namespace: metadata?.namespace ?? '', name: metadata?.name ?? '' };
    if (type === 'deleted' || !spec?.nodeName || !nodes.includes(spec.nodeName)) return;
    // A pod that has gone meanwhile needs nothing.
    if (metadata?.deletionTimestamp) void client.delete('Pod', key, { gracePeriodSeconds: 0 }).catch(() => {});
    else if (!status?.podIP) {
      const running = runningStatus(spec.containers, `10.244.0.${next++}`);
      void client.patch('Pod', key, { status: running }, { subresource: 'status' }).catch(() => {});
    }
  });
  return () => {
    clearInterval(renewing);
    leave();
  };
}

async function renewLease(client: KubeClient, name: string): Promise<void> {
  const key = { namespace: 'kube-node-lease', name };
  const spec = { holderIdentity: name, leaseDurationSeconds: 40, renewTime: new Date().toISOString() };
  const isThere = (await client.get('Lease', key)) !== undefined;
  if (isThere) await client.patch('Lease', key, { spec });
  else await client.create('Lease', { metadata: key, spec } as unknown as Lease);
}

function runningStatus(containers: NonNullable<Pod['spec']>['containers'], podIP: string): NonNullable<Pod['status']> {
  const startedAt = new Date().toISOString().replace(/\.\d+Z/, 'Z');
  const conditions = ['PodReadyToStartContainers', 'Initialized', 'Ready', 'ContainersReady', 'PodScheduled'];
  const containerStatuses = containers.map(({ name, image = '' }) => {
    const containerID = `containerd://${name}`;
    const state = { running: { startedAt } };
    return { name, image, imageID: `${image}@sha256:0`, containerID, ready: true, restartCount: 0, state };
  });
  return {
    phase: 'Running',
    hostIP: '192.0.2.11',
    podIP,
    podIPs: [{ ip: podIP }],
    startTime: startedAt,
    conditions: conditions.map((type) => ({ type, status: 'True', lastTransitionTime: startedAt })),
    containerStatuses,
  } as unknown as NonNullable<Pod['status']>;
}
