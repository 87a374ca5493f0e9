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
    /node-1 +service .*, dsr: a table .* names the node, anew for each connection: node-1, this one, with 10\.244\.0\.2:8080 \(default\/web-1\); or node-2 with 10\.244\.1\.2:8080 \(default\/web-2\)\n/,
  );
  assert.match(
    text,
    /node-2 +service .*, dsr: handed over by node-1, leads to one of 1 on this node: 10\.244\.1\.2:8080 /,
  );
  assert.doesNotMatch(text, /left out|followed is/);
  assert.match(text, /node-1 +rules +prerouting: .*podwire-services drop \(handed over to another node\)/);
  assert.match(text, /node-1 +route +handed over as it is to node-2 \(172\.30\.0\.12\), whose turn it is/);
  assert.match(text, /10\.244\.\d+\.\d+ receives tcp 8080 from 203\.0\.113\.10/);
  assert.match(text, /reply +replies to 203\.0\.113\.10 do not go back through node-1/);
  const own = explain(clusterOf(WEB), { ...to, endpoint: 'web-1' });
  assert.equal(own.verdict.where, 'pod default/web-1', formatExplanation(own));
  assert.ok(!formatExplanation(own).includes('handed over'));
  assert.throws(
    () => explain(clusterOf(WEB), { ...to, endpoint: '10.9.9.9' }),
    /10\.9\.9\.9 is no endpoint .*; it can reach 10\.244\.0\.2:8080, 10\.244\.1\.2:8080$/,
  );
});

test('without an endpoint it says which node it follows', () => {
  for (const proxyMode of ['nftables', 'ebpf']) {
    const to = { from: 'outside', to: '172.30.0.11:88', protocol: 'tcp' } as const;
    const { verdict, steps } = explain(clusterOf(WEB, { proxyMode }), to);
    assert.equal(verdict.kind, 'delivered');
    const [, node] = /default\/web-(\d)$/.exec(verdict.where) ?? [];
    const notes = steps.filter(({ kind }) => kind === 'note').map(({ text }) => text);
    assert.deepEqual(notes, [`followed is a connection for which it names node-${node}`]);
  }
});

test('a pod is served the ordinary way', () => {
  const client = `${pod('client', 1).replace('app: web', 'app: client')}${WEB}`;
  const text = formatExplanation(
    explain(clusterOf(client), { from: 'client', to: '172.30.0.11:88', protocol: 'tcp', endpoint: 'web-2' }),
  );
  assert.match(text, /by external IP leads to one of 2: /);
  assert.doesNotMatch(text, /dsr|handed over/);
});

test('a mode without direct server return leads to all endpoints, with the address of the node', () => {
  for (const proxyMode of ['iptables', 'ipvs', 'userspace']) {
    const request = { from: 'outside', to: '172.30.0.11:88', protocol: 'tcp', endpoint: 'web-2' } as const;
    const explanation = explain(clusterOf(WEB, { proxyMode }), request);
    const text = formatExplanation(explanation);
    assert.match(text, /by external IP leads to one of 2: 10\.244\.0\.2:8080 .*, 10\.244\.1\.2:8080 /);
    assert.match(text, new RegExp(`note +forwarding dsr is not in mode ${proxyMode}, so clients outside`));
    assert.equal(explanation.verdict.reason, '10.244.1.2 receives tcp 8080 from 172.30.0.11');
    assert.doesNotMatch(text, /it is the turn|left out|handed over/);
  }
});

test('what keeps a port from direct server return is said', () => {
  const affine = WEB.replace('spec: { selector', 'spec: { sessionAffinity: ClientIP, selector');
  const text = formatExplanation(
    explain(clusterOf(affine), { from: 'outside', to: '172.30.0.11:88', protocol: 'tcp' }),
  );
  assert.match(text, /leads to one of 2: /);
  assert.match(text, /note +forwarding dsr does not go with affinity, so clients outside/);
});

test('a load-balancer address refuses ports that its Service does not have', () => {
  const balanced = WEB.replace('externalIPs: [172.30.0.11]', 'type: LoadBalancer');
  for (const proxyMode of ['nftables', 'ipvs'])
    for (const [port, kind] of [
      [88, 'delivered'],
      [81, 'refused'],
    ] as const) {
      const to = `172.30.0.192:${port}`;
      const { verdict } = explain(clusterOf(balanced, { proxyMode }), { from: 'outside', to, protocol: 'tcp' });
      assert.equal(verdict.kind, kind, verdict.reason);
      if (kind === 'refused')
        assert.match(
          verdict.reason,
          /^Service default\/web has 172\.30\.0\.192, but not 81\/tcp; its ports: 88\/tcp; nobody/,
        );
    }
});
