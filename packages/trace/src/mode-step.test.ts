import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clusterOf, readCluster } from './cluster.fixture.ts';
import { explain, formatExplanation } from './index.ts';

const told = (proxyMode: string, from: string, to: string): string =>
  formatExplanation(explain(readCluster('shop.yaml', { proxyMode }), { from, to, protocol: 'tcp' }));

test('nothing is claimed of nftables in modes whose Services do not go through it', () => {
  for (const mode of ['iptables', 'ipvs', 'userspace', 'ebpf']) {
    for (const to of ['stock:80', 'stock:81']) {
      const text = told(mode, 'shop/front-1', to);
      assert.ok(text.startsWith(`shop/front-1 -> ${to} tcp ${to.slice(6)} (proxy mode ${mode})\n`), text);
      assert.doesNotMatch(text, /podwire-services|mark|numgen/);
    }
    const delivered = told(mode, 'shop/front-1', 'stock:80');
    assert.match(delivered, new RegExp(`services \\(${mode}\\) lead to 10\\.244\\.`));
    assert.match(delivered, /Service shop\/stock port \S+ by cluster IP leads to one of \d/);
  }
});

test('what is particular about a mode is said where it matters', () => {
  const bySocket = told('ebpf', 'shop/front-1', 'stock:80');
  assert.match(bySocket, /the socket gets the endpoint when it connects/);
  assert.doesNotMatch(bySocket, /makes their source/);
  assert.match(told('iptables', 'shop/front-1', 'stock:80'), /makes their source 10\.96\.\d+\.\d+:80 again/);
  assert.match(told('userspace', 'shop/front-1', 'stock:80'), /sees the node as its client/);
  assert.match(told('ipvs', 'shop/front-1', 'stock:80'), /a virtual server of IPVS/);
  for (const mode of ['nftables', 'iptables'])
    assert.doesNotMatch(told(mode, 'shop/front-1', 'stock:80'), new RegExp(`proxy mode ${mode}: `));
});

const pod = (name: string, node: string, labels = '{}') =>
  `{apiVersion: v1, kind: Pod, metadata: {name: ${name}, labels: ${labels}}, spec: {nodeName: ${node}, containers: [{name: c}]}}`;
const SHIELDED = [
  pod('client', 'node-1'),
  pod('far', 'node-2', '{app: web}'),
  '{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: web}, ports: [{port: 80}]}}',
  '{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: deny}, spec: {podSelector: {matchLabels: {app: web}}, policyTypes: [Ingress]}}',
];

test('behind a relay of the node everyone sees the node, and the next endpoint is tried', () => {
  const toldOf = (documents: readonly string[]) =>
    explain(clusterOf(documents.join('\n---\n'), { proxyMode: 'userspace' }), {
      ...{ from: 'client', to: 'web:80', protocol: 'tcp' },
    });
  const denied = toldOf(SHIELDED);
  assert.equal(denied.verdict.kind, 'dropped');
  assert.match(denied.verdict.reason, /no rule allows tcp 80 from node-1 \(172\.30\.0\.11\)$/);
  const passed = toldOf([...SHIELDED, pod('near', 'node-1', '{app: web}')]);
  assert.equal(passed.verdict.kind, 'delivered');
  assert.match(passed.verdict.reason, /^10\.244\.0\.\d+ receives tcp 80 from 172\.30\.0\.11$/);
  const fenced = toldOf([
    ...SHIELDED,
    '{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: mute}, spec: {podSelector: {}, policyTypes: [Egress], egress: [{to: [{podSelector: {}}]}, {to: [], ports: [{port: 53, protocol: UDP}]}]}}',
  ]);
  assert.match(fenced.verdict.reason, /^egress of default\/client: denied.* allows tcp to node-1 \(172\.30\.0\.11\)/);
});
