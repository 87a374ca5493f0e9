/**
 * A child of agent.kernel.test.ts: an API server at 127.0.0.1 of the namespace it runs in, with a Node, and a Pod, Service and
 * Ingress of one endpoint. Writes a kubeconfig to the file it is given, says so, and ends with its stdin.
 */
import { writeFileSync } from 'node:fs';
import { startApiServer } from '@podwire/apiserver';
import { parsePrefix } from '@podwire/base';

const [kubeconfig = '', endpoint = ''] = process.argv.slice(2);
const server = await startApiServer({ serviceCidrs: [parsePrefix('10.96.0.0/12')], nodePortRange: [30000, 32767] });
const port = await server.listenHttps({ address: '127.0.0.1', port: 0 });
const client = server.client();
await client.create('Node', {
  metadata: { name: 'node-1' },
  spec: { podCIDRs: ['10.244.0.0/24'] },
  status: { addresses: [{ type: 'InternalIP', address: '172.30.0.11' }] },
});
const web = { namespace: 'default', name: 'web' };
await client.create('Pod', {
  metadata: { ...web, labels: { app: 'web' } },
  spec: { nodeName: 'node-1', containers: [{ name: 'web', image: 'any' }] },
});
await client.create('Service', {
  metadata: web,
  spec: {
    ...{ type: 'NodePort', clusterIP: '10.96.0.80' },
    ports: [{ name: 'http', protocol: 'TCP', port: 80, nodePort: 30080 }],
  },
});
const backend = { service: { name: 'web', port: { number: 80 } } };
await client.create('Ingress', {
  metadata: web,
  spec: { rules: [{ host: 'web.example.com', http: { paths: [{ path: '/', pathType: 'Prefix', backend }] } }] },
});
await client.create('EndpointSlice', {
  metadata: { namespace: 'default', name: 'web-a', labels: { 'kubernetes.io/service-name': 'web' } },
  addressType: 'IPv4',
  ports: [{ name: 'http', protocol: 'TCP', port: 8080 }],
  endpoints: [{ addresses: [endpoint], conditions: { ready: true }, nodeName: 'node-1' }],
});
writeFileSync(kubeconfig, server.kubeconfig(`https://127.0.0.1:${port}`), { mode: 0o600 });
process.stdout.write('ready\n');
process.stdin.on('end', () => process.exit()).resume();
