import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clusterOf } from './cluster.fixture.ts';
import { explain, formatExplanation } from './index.ts';

const template =
  '{metadata: {labels: {app: web}}, spec: {containers: [{name: c, image: i, ports: [{name: http, containerPort: 80}]}]}}';
/** One web pod and one client on each of three nodes, each node a zone of its own. */
const cluster = (service: string, metadata = '') =>
  clusterOf(`
{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: web}, spec: {selector: {matchLabels: {app: web}}, template: ${template}}}
---
{apiVersion: apps/v1, kind: DaemonSet, metadata: {name: client}, spec: {selector: {matchLabels: {app: c}}, template: ${template.replace('app: web', 'app: c')}}}
---
{apiVersion: v1, kind: Service, metadata: {name: web${metadata}}, spec: {selector: {app: web}, ports: [{port: 80, targetPort: http}], ${service}}}
`);
const line = (view: ReturnType<typeof cluster>, from: string): string => {
  const text = formatExplanation(explain(view, { from, to: 'web:80', protocol: 'tcp' }));
  return /Service default\/web .*/.exec(text)?.[0] ?? text;
};

test('hints of the controller take effect in the rules of each node', () => {
  for (const spec of ['trafficDistribution: PreferSameNode', 'trafficDistribution: PreferSameZone']) {
    const view = cluster(spec);
    for (const n of [1, 2, 3])
      assert.match(line(view, `client-node-${n}`), new RegExp(`leads to one of 1: \\S+ \\(default/web-node-${n} `));
  }
  assert.match(
    line(cluster('trafficDistribution: PreferClose'), 'client-node-1'),
    /web-node-2 on node-2\) is meant for zone-2/,
  );
  const auto = cluster('type: ClusterIP', ", annotations: {service.kubernetes.io/topology-mode: 'Auto'}");
  assert.match(line(auto, 'client-node-3'), /leads to one of 1: \S+ \(default\/web-node-3 /);
  assert.match(line(cluster('type: ClusterIP'), 'client-node-3'), /leads to one of 3: /);
});

test('policy Local does not look at hints', () => {
  const view = cluster('trafficDistribution: PreferSameZone, internalTrafficPolicy: Local');
  assert.match(line(view, 'client-node-1'), /leads to one of 1: \S+ \(default\/web-node-1 .*left out/);
});

test('hand-made Endpoints are mirrored', () => {
  const view = clusterOf(`
{apiVersion: v1, kind: Service, metadata: {name: db}, spec: {ports: [{port: 5432}]}}
---
{apiVersion: v1, kind: Endpoints, metadata: {name: db}, subsets: [{addresses: [{ip: 203.0.113.10}], ports: [{port: 5432}]}]}
---
{apiVersion: v1, kind: Pod, metadata: {name: client}, spec: {containers: [{name: c, image: i}]}}
`);
  const text = formatExplanation(explain(view, { from: 'client', to: 'db:5432', protocol: 'tcp' }));
  assert.match(text, /leads to one of 1: 203\.0\.113\.10:5432/);
});
