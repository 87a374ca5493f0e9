import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clusterOf } from './cluster.fixture.ts';
import { explain, formatExplanation } from './index.ts';

const pod = (name: string, node: number) => `
apiVersion: v1
kind: Pod
metadata: { name: ${name}, labels: { app: web } }
spec: { nodeName: node-${node}, containers: [{ name: web, ports: [{ containerPort: 8080 }] }] }
---`;
const WEB = `${pod('web-1', 1)}${pod('web-2', 2)}
apiVersion: v1
kind: Service
metadata: { name: web, annotations: { podwire.io/forwarding: dsr } }
spec: { selector: { app: web }, externalIPs: [172.30.0.11], ports: [{ port: 88, targetPort: 8080 }] }
`;

test('direct server return is followed to the node whose turn it is, and back past the first', () => {
  const to = { from: 'outside', to: '172.30.0.11:88', protocol: 'tcp' } as const;
  const explanation = explain(clusterOf(WEB), { ...to, endpoint: 'web-2' });
  const text = formatExplanation(explanation);
  assert.deepEqual([explanation.verdict.kind, explanation.verdict.where], ['delivered', 'pod default/web-2'], text);
  assert.match(
    text,
    /node-1 +service .* leads to one of 1: 10\.244\.0\.2:8080 \(default\/web-1 on node-1\); left out:/,
  );
  assert.match(text, /node-1 +rules +prerouting: .*podwire-services drop \(handed over to another node\)/);
  assert.match(text, /node-1 +route +handed over as it is to node-2 \(172\.30\.0\.12\), whose turn it is/);
  assert.match(text, /10\.244\.\d+\.\d+ receives tcp 8080 from 203\.0\.113\.10/);
  assert.match(text, /reply +replies to 203\.0\.113\.10 do not go back through node-1/);
  const own = explain(clusterOf(WEB), { ...to, endpoint: 'web-1' });
  assert.equal(own.verdict.where, 'pod default/web-1', formatExplanation(own));
  assert.ok(!formatExplanation(own).includes('handed over'));
});
