import type { Lease, Node, Pod, Service } from '../packages/kube/src/index.ts';

const SINCE = '2026-01-01T00:00:00Z';
const address = (i: number): string => `10.${128 + ((i >> 16) & 127)}.${(i >> 8) & 255}.${i & 255}`;
const ready = (type: string) => ({ type, status: 'True', lastProbeTime: null, lastTransitionTime: SINCE });

export function clusterNode(i: number): Node {
  const conditions = ['Ready', 'MemoryPressure', 'DiskPressure', 'PIDPressure'].map((type) => ({
    type,
    status: type === 'Ready' ? 'True' : 'False',
    lastHeartbeatTime: SINCE,
    lastTransitionTime: SINCE,
  }));
  const amounts = { cpu: '8', memory: '32Gi', pods: '110' };
  return {
    metadata: {
      name: `node-${i}`,
      labels: { 'kubernetes.io/hostname': `node-${i}`, 'topology.kubernetes.io/zone': `z${i % 3}` },
    },
    spec: { podCIDRs: [`10.${(i >> 8) & 127}.${i & 255}.0/24`] },
    status: {
      conditions,
      addresses: [{ type: 'InternalIP', address: address(i) }],
      capacity: amounts,
      allocatable: amounts,
    },
  };
}

export function lease(i: number): Lease {
  return {
    metadata: { name: `node-${i}`, namespace: 'kube-node-lease' },
    spec: { holderIdentity: `node-${i}`, leaseDurationSeconds: 40, renewTime: '2026-01-01T00:00:00.000000Z' },
  };
}

export function service(i: number): Service {
  return {
    metadata: { name: `svc-${i}`, namespace: 'default', labels: { app: `app-${i}` } },
    spec: { selector: { app: `app-${i}` }, ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
  };
}

export function pod(i: number, namespace: string, nodes: number): Pod {
  const app = `app-${i % 10_000}`;
  return {
    metadata: {
      name: `pod-${i}`,
      namespace,
      labels: { app, 'pod-template-hash': '6d4cf56db6' },
      ownerReferences: [
        {
          apiVersion: 'apps/v1',
          kind: 'ReplicaSet',
          name: `${app}-6d4cf56db6`,
          uid: crypto.randomUUID(),
          controller: true,
        },
      ],
    },
    spec: {
      nodeName: `node-${i % nodes}`,
      containers: [
        {
          name: 'web',
          image: 'nginx:1.27',
          ports: [{ name: 'http', containerPort: 8080 }],
          resources: { requests: { cpu: '100m', memory: '64Mi' } },
        },
      ],
    },
  };
}

/** As a kubelet writes it; the message carries the time, in ms since 1970. */
export function podStatus(i: number, round: number, now: number): object {
  const ip = address(i);
  return {
    phase: 'Running',
    message: String(now),
    podIP: ip,
    podIPs: [{ ip }],
    hostIP: address(i % 5000),
    startTime: SINCE,
    conditions: ['Initialized', 'Ready', 'ContainersReady', 'PodScheduled'].map(ready),
    containerStatuses: [
      {
        name: 'web',
        image: 'nginx:1.27',
        imageID: 'docker.io/library/nginx@sha256:0a399eb16751829e1af26fea27b20c3ec28d7ab1fb72182879dcae1cca21206a',
        ready: true,
        started: true,
        restartCount: round,
        state: { running: { startedAt: SINCE } },
        lastState: {},
      },
    ],
  };
}
