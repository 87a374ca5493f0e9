import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clusterOf } from './cluster.fixture.ts';
import { explain, formatExplanation, planRooms } from './index.ts';

const LABELS = 'multicluster.kubernetes.io/service-name: web, multicluster.kubernetes.io/source-cluster';
const slice = (cluster: string, address: string): string =>
  `{apiVersion: discovery.k8s.io/v1, kind: EndpointSlice, metadata: {name: web-${cluster}, labels: {${LABELS}: ${cluster}}}, addressType: IPv4, ports: [{name: http, port: 8080}], endpoints: [{addresses: [${address}]}]}`;
/** A client, a web pod, and an import of the web pods here and in another cluster. */
const VIEW = clusterOf(`
{apiVersion: v1, kind: Pod, metadata: {name: client}, spec: {nodeName: node-1, containers: [{name: c, image: i}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {nodeName: node-2, containers: [{name: c, image: i}]}, status: {podIP: 10.244.1.9}}
---
{apiVersion: multicluster.x-k8s.io/v1alpha1, kind: ServiceImport, metadata: {name: web}, spec: {type: ClusterSetIP, ips: [10.96.7.1], ports: [{name: http, port: 80}]}}
---
{apiVersion: multicluster.x-k8s.io/v1alpha1, kind: ServiceImport, metadata: {name: gone}, spec: {type: ClusterSetIP, ips: [10.96.7.2], ports: [{port: 80}]}}
---
{apiVersion: multicluster.x-k8s.io/v1alpha1, kind: ServiceImport, metadata: {name: bare}, spec: {type: ClusterSetIP, ports: [{port: 80}]}}
---
{apiVersion: multicluster.x-k8s.io/v1alpha1, kind: ServiceImport, metadata: {name: many}, spec: {type: Headless, ports: [{port: 80}]}}
---
${slice('own', '10.244.1.9')}
---
${slice('west', '10.245.3.3')}
`);

const ask = (to: string, endpoint?: string) => {
  const request = { from: 'client', to, protocol: 'tcp' as const, ...(endpoint && { endpoint }) };
  const explanation = explain(VIEW, request);
  return { verdict: explanation.verdict.kind, text: formatExplanation(explanation) };
};

test('an explanation names the import, and endpoints of other clusters by their address', () => {
  const { verdict, text } = ask('10.96.7.1:80', 'web');
  assert.equal(verdict, 'delivered', text);
  assert.match(text, /ServiceImport default\/web port http by clusterset IP leads to one of 2: /);
  assert.match(text, /10\.244\.1\.9:8080 \(default\/web on node-2\), 10\.245\.3\.3:8080/);
  assert.match(
    ask('10.96.7.2:80').text,
    /ServiceImport default\/gone port 80 by clusterset IP has no endpoints: no cluster/,
  );
  assert.match(
    ask('10.96.7.1:81').text,
    /ServiceImport default\/web has 10\.96\.7\.1, but not 81\/tcp; its ports: 80\/tcp/,
  );
});

test('names of the cluster set are resolved, and what is missing is named', () => {
  const { verdict, text } = ask('web.default.svc.clusterset.local:http', 'web');
  assert.equal(verdict, 'delivered', text);
  assert.match(text, /web\.default\.svc\.clusterset\.local A: 10\.96\.7\.1/);
  const missing = ask('stock.default.svc.clusterset.local:80');
  assert.equal(missing.verdict, 'unresolved');
  assert.match(missing.text, /there is no ServiceImport default\/stock: no cluster of the set exports that Service$/);
  assert.match(
    ask('bare.default.svc.clusterset.local:80').text,
    /ServiceImport default\/bare has no IPv4 address yet$/,
  );
  assert.match(ask('many.default.svc.clusterset.local:80').text, /many is headless and has no ready endpoint/);
});

test('plans tell of imports', async () => {
  const node = VIEW.node('node-1') ?? assert.fail();
  const [plan] = await planRooms(node, VIEW.site.cluster, 'services');
  const line = plan?.entries.find(({ why }) => why === 'ServiceImport default/web port http');
  assert.equal(line?.what, 'clusterset IP 10.96.7.1 tcp 80 -> 10.244.1.9:8080, 10.245.3.3:8080');
});

test('exports of manifests make imports of their Services, but where there is one', () => {
  const pod =
    '{apiVersion: v1, kind: Pod, metadata: {name: POD, labels: {app: POD}}, spec: {containers: [{name: c, image: i}]}}';
  const service =
    '{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: web}, ports: [{name: http, port: 80, targetPort: 8080}]}}';
  const exported = (name: string) =>
    `{apiVersion: multicluster.x-k8s.io/v1beta1, kind: ServiceExport, metadata: {name: ${name}}}`;
  const documents = [
    pod.replaceAll('POD', 'web'),
    pod.replaceAll('POD', 'client'),
    service,
    exported('web'),
    exported('absent'),
  ];
  const explained = (more: readonly string[] = []) => {
    const view = clusterOf([...documents, ...more].join('\n---\n'));
    return formatExplanation(
      explain(view, { from: 'client', to: 'web.default.svc.clusterset.local:80', protocol: 'tcp' }),
    );
  };
  const text = explained();
  assert.match(
    text,
    /ServiceImport default\/web port http by clusterset IP leads to one of 1: \S+:8080 \(default\/web on /,
  );
  assert.match(text, /web\.default\.svc\.clusterset\.local A: 10\.96\.0\.12\n/);
  assert.match(text, /^delivered: pod default\/web/m);
  const own =
    '{apiVersion: multicluster.x-k8s.io/v1beta1, kind: ServiceImport, metadata: {name: web}, spec: {type: ClusterSetIP, ips: [10.96.7.7], ports: [{name: http, port: 80}]}}';
  assert.match(explained([own]), /web\.default\.svc\.clusterset\.local A: 10\.96\.7\.7\n/);
});
