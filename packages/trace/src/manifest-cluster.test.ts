import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '@podwire/base';
import { clusterOf, readCluster } from './cluster.fixture.ts';

const podsOf = (cluster: ReturnType<typeof clusterOf>) =>
  cluster.objects.pods.map(({ metadata, spec, status }) => `${metadata?.name} ${spec?.nodeName} ${status?.podIP}`);

test('workloads become pods that are spread, named and addressed the same way each time', () => {
  const expected = [
    'sealed node-1 10.244.0.2',
    'mute node-1 10.244.0.3',
    'stranger node-3 10.244.2.2',
    'front-1 node-2 10.244.1.2',
    'front-2 node-3 10.244.2.3',
    'stock-1 node-2 10.244.1.3',
    'stock-2 node-1 10.244.0.4',
  ];
  assert.deepEqual(podsOf(readCluster('shop.yaml')), expected);
  assert.deepEqual(podsOf(readCluster('shop.yaml')), expected);
});

test('StatefulSets count from 0, DaemonSets have a pod per node', () => {
  const template = '{metadata: {labels: {app: x}}, spec: {containers: [{name: c, image: busybox}]}}';
  const set = (kind: string, name: string) =>
    `{apiVersion: apps/v1, kind: ${kind}, metadata: {name: ${name}}, spec: {selector: {matchLabels: {app: x}}, template: ${template}}}`;
  assert.deepEqual(podsOf(clusterOf(`${set('StatefulSet', 'db')}\n---\n${set('DaemonSet', 'log')}`)), [
    'db-0 node-1 10.244.0.2',
    'log-node-1 node-1 10.244.0.3',
    'log-node-2 node-2 10.244.1.2',
    'log-node-3 node-3 10.244.2.2',
  ]);
});

test('what a dump of a cluster says stays: addresses, nodes, and no pods twice', () => {
  const cluster = clusterOf(`
{apiVersion: v1, kind: Node, metadata: {name: a}, spec: {podCIDRs: [10.244.7.0/24]}, status: {addresses: [{type: InternalIP, address: 172.30.0.77}], conditions: [{type: Ready, status: "True"}]}}
---
{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: 2, selector: {matchLabels: {app: web}}, template: {metadata: {labels: {app: web}}, spec: {containers: []}}}}
---
{apiVersion: v1, kind: Pod, metadata: {name: web-x, labels: {app: web}, ownerReferences: [{apiVersion: apps/v1, kind: ReplicaSet, name: web, uid: u}]}, spec: {nodeName: a, containers: []}, status: {podIP: 10.244.7.9}}
---
{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {clusterIP: 10.96.5.5, ports: [{port: 80}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: edge}, spec: {type: LoadBalancer, ports: [{port: 80}]}}
`);
  assert.deepEqual(podsOf(cluster), ['web-x a 10.244.7.9']);
  assert.deepEqual(
    cluster.objects.services.map(({ metadata, spec, status }) => [
      metadata?.name,
      spec?.clusterIP,
      spec?.ports?.[0]?.nodePort,
      status?.loadBalancer?.ingress?.[0]?.ip,
    ]),
    [
      ['kubernetes', '10.96.0.1', undefined, undefined],
      ['kube-dns', '10.96.0.10', undefined, undefined],
      ['web', '10.96.5.5', undefined, undefined],
      ['edge', '10.96.0.11', 30000, '172.30.0.192'],
    ],
  );
  assert.equal(cluster.nodeAt('172.30.0.192')?.name, 'a');
});

test('nodes offer what those of a lab do', () => {
  const resources = '{requests: {cpu: 100m, memory: 64Mi, ephemeral-storage: 1Gi}}';
  const pod = `{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {containers: [{name: c, resources: ${resources}}]}}`;
  assert.deepEqual(podsOf(clusterOf(pod)), ['p node-1 10.244.0.2']);
});

test('a pod that fits nowhere is an error that says why', () => {
  const pod = '{apiVersion: v1, kind: Pod, metadata: {name: p}, spec: {nodeSelector: {disk: ssd}, containers: []}}';
  assert.throws(
    () => clusterOf(pod),
    (error: Error) => hasCode(error, 'TRACE_PLACEMENT') && /default\/p fits on no node: 0\/3 nodes/.test(error.message),
  );
});
