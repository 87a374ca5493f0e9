import assert from 'node:assert/strict';
import { test } from 'node:test';
import { hasCode } from '@podwire/base';
import { clusterOf, readCluster } from './cluster.fixture.ts';
import type { ClusterView } from './cluster-view.ts';
import type { ExplainRequest } from './explain.ts';
import { type Explanation, explain, formatExplanation } from './index.ts';

/** One row: settings, request, verdict, and texts that have to stand in the lines in that order. */
interface Row {
  readonly name: string;
  readonly settings?: Record<string, unknown>;
  readonly request: Omit<ExplainRequest, 'protocol'> & { readonly protocol?: 'tcp' | 'udp' };
  readonly verdict: Explanation['verdict']['kind'];
  readonly where: string;
  readonly lines: readonly RegExp[];
}

const STOCK_2 = { to: 'stock:80', endpoint: 'stock-2' };
const ROWS: readonly Row[] = [
  {
    name: 'to another node by host-gw, allowed',
    request: { from: 'shop/front-1', ...STOCK_2 },
    verdict: 'delivered',
    where: 'pod shop/stock-2',
    lines: [
      /dns +stock\.shop\.svc\.cluster\.local A: 10\.96\.0\.11$/,
      /packet +10\.244\.1\.2 -> 10\.96\.0\.11 tcp 80, by eth0 to node-2$/,
      /service +Service shop\/stock port http by cluster IP leads to one of 2: 10\.244\.0\.4:8080 \(shop\/stock-2 on node-1\), /,
      /node-2 .*prerouting: .*podwire-services dnat to 10\.244\.0\.4:8080$/,
      /node-2 .*egress of shop\/front-1: allowed, no NetworkPolicy isolates it$/,
      /node-2 .*route 10\.244\.0\.0\/24 via 172\.30\.0\.11 dev eth0/,
      /node-1 .*forward: .*podwire-policy accept \(shop\/stock-for-front ingress rule 0\)$/,
      /node-1 .*ingress of shop\/stock-2: allowed by NetworkPolicy shop\/stock-for-front$/,
      /reply .*via 172\.30\.0\.12 .*node-2 makes their source 10\.96\.0\.11:80 again$/,
    ],
  },
  {
    name: 'to another node by vxlan, allowed',
    settings: { backend: 'vxlan' },
    request: { from: 'shop/front-1', ...STOCK_2 },
    verdict: 'delivered',
    where: 'pod shop/stock-2',
    lines: [
      /node-2 .*route 10\.244\.0\.0\/24 via 10\.244\.0\.0 dev pwf\.vxlan/,
      /node-2 .*tunnel +VXLAN id 1: 172\.30\.0\.12 -> 172\.30\.0\.11 udp 8472, inner MAC 02:77:ac:1e:00:0b, mtu 1450$/,
      /node-1 .*prerouting/,
    ],
  },
  {
    name: 'on one node with bridge wiring',
    settings: { wiring: 'bridge' },
    request: { from: 'shop/front-1', to: 'stock:80', endpoint: 'stock-1' },
    verdict: 'delivered',
    where: 'pod shop/stock-1',
    lines: [/route 10\.244\.1\.0\/24 dev cni0, port of shop\/stock-1$/],
  },
  {
    name: 'denied on the ingress side: the peer',
    request: { from: 'stranger', to: 'stock.shop:80', endpoint: 'shop/stock-2' },
    verdict: 'dropped',
    where: 'node-1',
    lines: [
      /stock\.shop\.default\.svc\.cluster\.local A: NXDOMAIN$/,
      /stock\.shop\.svc\.cluster\.local A: 10\.96\.0\.11$/,
      /node-1 .*podwire-policy drop \(ingress not allowed by shop\/stock-for-front\)$/,
      /^dropped: node-1: ingress of shop\/stock-2: denied, .* allows tcp 8080 from default\/stranger \(10\.244\.2\.2\): the port is allowed, the peer is not$/,
    ],
  },
  {
    name: 'denied on the ingress side: the port',
    request: { from: 'shop/front-1', to: 'stock:debug', endpoint: 'stock-2' },
    verdict: 'dropped',
    where: 'node-1',
    lines: [/^dropped: .*tcp 9999 from shop\/front-1 \(10\.244\.1\.2\): the peer is allowed, the port is not$/],
  },
  {
    name: 'denied on the egress side, behind the DNS answer',
    request: { from: 'shop/sealed', to: 'front:80' },
    verdict: 'dropped',
    where: 'node-1',
    lines: [
      /questions go to 10\.96\.0\.10 udp 53, answered on node-1$/,
      /podwire-policy drop \(egress not allowed by shop\/dns-only\)$/,
      /^dropped: node-1: egress of shop\/sealed: denied, isolated by NetworkPolicy shop\/dns-only/,
    ],
  },
  {
    name: 'the DNS question itself is denied',
    request: { from: 'shop/mute', to: 'stock:80' },
    verdict: 'dropped',
    where: 'node-1',
    lines: [
      /input: .*podwire-policy drop/,
      /^dropped: node-1: the DNS question to 10\.96\.0\.10 udp 53: egress of shop\/mute/,
    ],
  },
  {
    name: 'refused without endpoints',
    request: { from: 'shop/front-1', to: 'empty' },
    verdict: 'refused',
    where: 'node-2',
    lines: [
      /forward: podwire-services reject .*reject with tcp reset/,
      /^refused: node-2: Service shop\/empty port 80 by cluster IP has no endpoints: no pod matches its selector/,
    ],
  },
  {
    name: 'refused at a port the Service does not have',
    request: { from: 'shop/front-1', to: 'stock:82' },
    verdict: 'refused',
    where: 'node-2',
    lines: [/^refused: .*Service shop\/stock has 10\.96\.0\.11, but not 82\/tcp; its ports: 80\/tcp, 81\/tcp$/],
  },
  {
    name: 'dropped at an address of no Service',
    request: { from: 'stranger', to: '10.100.0.1:80' },
    verdict: 'dropped',
    where: 'node-3',
    lines: [/^dropped: node-3: podwire-services chain unserved: not allocated$/],
  },
  {
    name: 'hairpin: a pod through its own Service',
    request: { from: 'shop/front-1', to: 'front:80', endpoint: 'front-1' },
    verdict: 'delivered',
    where: 'pod shop/front-1',
    lines: [
      /dnat to 10\.244\.1\.2:8080$/,
      /postrouting: .*podwire-services snat to 172\.30\.0\.12/,
      /reply .*makes their destination 10\.244\.1\.2 again; node-2 makes their source 10\.96\.0\.12:80 again$/,
    ],
  },
  {
    name: 'from outside by NodePort to an endpoint on another node',
    request: { from: 'outside', to: '172.30.0.12:30080', endpoint: 'shop/front-2' },
    verdict: 'delivered',
    where: 'pod shop/front-2',
    lines: [
      /outside +packet +203\.0\.113\.10 -> 172\.30\.0\.12 tcp 30080, by the router$/,
      /node-2 .*Service shop\/front port http by node port leads to one of 2/,
      /node-2 .*podwire-services masquerade to 172\.30\.0\.12 \(external Cluster policy, or masqueradeAll\)$/,
      /node-3 .*ingress of shop\/front-2: allowed/,
      /^delivered: pod shop\/front-2: 10\.244\.2\.3 receives tcp 8080 from 172\.30\.0\.12$/,
    ],
  },
  {
    name: 'a pod by the node port of another node, Local policy: masqueraded, or the replies would take a shorter way',
    request: { from: 'shop/front-1', to: '172.30.0.11:30081', endpoint: 'shop/front-2' },
    verdict: 'delivered',
    where: 'pod shop/front-2',
    lines: [
      /node-1 .*podwire-services dnat to 10\.244\.2\.3:8080$/,
      /node-1 .*podwire-services masquerade to 172\.30\.0\.11 \(from a pod of another node to an endpoint of another node\)$/,
      /^delivered: pod shop\/front-2: 10\.244\.2\.3 receives tcp 8080 from 172\.30\.0\.11$/,
    ],
  },
  {
    name: 'from outside by NodePort with Local policy and no endpoint on that node',
    request: { from: 'outside', to: '172.30.0.11:30081' },
    verdict: 'dropped',
    where: 'node-1',
    lines: [/input: podwire-services drop \(endpoints on other nodes only\)$/],
  },
  {
    name: 'to the ingress proxy of a node',
    request: { from: 'outside', to: '172.30.0.11:80' },
    verdict: 'delivered',
    where: 'node-1',
    lines: [/^delivered: node-1: the ingress proxy of node-1 receives tcp 80 from 203\.0\.113\.10$/],
  },
  {
    name: 'to a node, where nobody is known to listen',
    request: { from: 'stranger', to: '172.30.0.11:9999' },
    verdict: 'delivered',
    where: 'node-1',
    lines: [/note +nobody is known to listen on tcp 9999/],
  },
  {
    name: 'a Service that is not there',
    request: { from: 'shop/front-1', to: 'stok:80' },
    verdict: 'unresolved',
    where: 'shop/front-1',
    lines: [
      /stok\.shop\.svc\.cluster\.local A: NXDOMAIN$/,
      /^unresolved: .*namespace shop has no Service "stok", it has bank, empty, front, local, stock, twins$/,
    ],
  },
  {
    name: 'a namespace that is not there',
    request: { from: 'shop/front-1', to: 'stock.shpo:80' },
    verdict: 'unresolved',
    where: 'shop/front-1',
    lines: [/^unresolved: .*there is no namespace "shpo"/],
  },
  {
    name: 'a name only others know',
    request: { from: 'stranger', to: 'bank.shop:443' },
    verdict: 'unresolved',
    where: 'default/stranger',
    lines: [/^unresolved: .*Service shop\/bank stands for bank\.example\.com; .*203\.0\.113\.10/],
  },
  {
    name: 'headless: straight to the pod',
    request: { from: 'shop/front-2', to: 'twins:8080', endpoint: 'stock-1' },
    verdict: 'delivered',
    where: 'pod shop/stock-1',
    lines: [
      /twins\.shop\.svc\.cluster\.local A: 10\.244\.0\.4, 10\.244\.1\.3$/,
      /packet +10\.244\.2\.3 -> 10\.244\.1\.3 tcp 8080/,
    ],
  },
  {
    name: 'out of the cluster, with the address of the node',
    request: { from: 'stranger', to: '203.0.113.10:80' },
    verdict: 'delivered',
    where: '203.0.113.10',
    lines: [/podwire-pods masquerade to 172\.30\.0\.13 \(pods leave the cluster with the address of the node\)/],
  },
  {
    name: 'an address no pod has',
    request: { from: 'stranger', to: '10.244.0.99:80' },
    verdict: 'unreachable',
    where: 'node-1',
    lines: [/^unreachable: node-1: no pod has the address 10\.244\.0\.99$/],
  },
  {
    name: 'a port nobody declares',
    request: { from: 'stranger', to: 'shop/front-1:9' },
    verdict: 'delivered',
    where: 'pod shop/front-1',
    lines: [/note +nobody is known to listen on tcp 9: where nobody does, it is refused$/],
  },
];

function lines(cluster: ClusterView, request: Row['request']): { explanation: Explanation; text: string[] } {
  const explanation = explain(cluster, { protocol: 'tcp', ...request });
  return { explanation, text: formatExplanation(explanation).split('\n') };
}

for (const { name, settings, request, verdict, where, lines: wanted } of ROWS) {
  test(name, () => {
    const { explanation, text } = lines(readCluster('shop.yaml', settings), request);
    const all = text.join('\n');
    assert.deepEqual([explanation.verdict.kind, explanation.verdict.where], [verdict, where], all);
    let at = 0;
    for (const pattern of wanted) {
      const found = text.findIndex((line, i) => i >= at && pattern.test(line));
      assert.notEqual(found, -1, `${pattern} is not in, or not in that order:\n${all}`);
      at = found;
    }
    assert.ok(!all.includes('fault of podwire'), all);
  });
}

test('what is asked for and not there is named', () => {
  const cluster = readCluster('shop.yaml');
  const refusals: readonly (readonly [Row['request'], string, RegExp])[] = [
    [{ from: 'shop/front-9', to: 'stock:80' }, 'TRACE_NO_POD', /no pod shop\/front-9; pods there: front-1, front-2/],
    [{ from: 'shpo/front-1', to: 'stock:80' }, 'TRACE_NO_POD', /no namespace shpo/],
    [{ from: 'stranger', to: 'shop/stock:80' }, 'TRACE_NO_POD', /for the Service write stock\.shop;/],
    [{ from: 'shop/front-1', to: 'stock' }, 'TRACE_TARGET', /tcp ports known there: 80 \(http\), 81 \(debug\)/],
    [{ from: 'shop/front-1', to: 'stock:99999' }, 'TRACE_TARGET', /is none; write/],
    [
      { from: 'shop/front-1', to: 'stock:80', endpoint: 'front-2' },
      'TRACE_NO_ENDPOINT',
      /it can reach 10\.244\.0\.4:8080/,
    ],
  ];
  for (const [request, code, message] of refusals) {
    assert.throws(
      () => explain(cluster, { protocol: 'tcp', ...request }),
      (error: Error) => hasCode(error, code) && message.test(error.message),
    );
  }
});

test('rules and policies agree for every pair of pods and both backends', () => {
  for (const backend of ['host-gw', 'vxlan']) {
    const cluster = readCluster('shop.yaml', { backend });
    const names = cluster.objects.pods.map(({ metadata }) => `${metadata?.namespace}/${metadata?.name}`);
    for (const from of names) {
      for (const to of names) {
        const { text } = lines(cluster, { from, to: `${to}:8080` });
        assert.ok(!text.join('\n').includes('fault of podwire'), text.join('\n'));
      }
    }
  }
});

test('steps of the JSON carry the rule that decided', () => {
  const { explanation } = lines(readCluster('shop.yaml'), { from: 'stranger', to: 'stock.shop:80' });
  const last = JSON.parse(JSON.stringify(explanation)).steps.findLast(
    (step: { kind: string }) => step.kind === 'rules',
  );
  assert.deepEqual(last.tables.at(-1), {
    table: 'podwire-policy',
    verdict: 'drop',
    rule: 'drop comment "ingress not allowed by shop/stock-for-front"',
    comment: 'ingress not allowed by shop/stock-for-front',
  });
});

test('control characters of names do not reach the terminal', () => {
  const cluster = clusterOf(
    '{apiVersion: v1, kind: Pod, metadata: {name: "a\\u001b[2J"}}\n---\n{apiVersion: v1, kind: Pod, metadata: {name: b}}',
  );
  const { text } = lines(cluster, { from: 'b', to: '10.244.0.2:1' });
  assert.ok(
    text.some((line) => line.includes('default/a?[2J')),
    text.join('\n'),
  );
  assert.ok(!text.join('').includes('\u001b'));
});
