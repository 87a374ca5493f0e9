import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ipToBigInt, parseIp, parsePrefix } from '@podwire/base';
import type { ServiceSpec } from 'kubernetes-types/core/v1.js';
import { ServiceAddresses } from './service-addresses.ts';

const allocator = (...cidrs: string[]) =>
  new ServiceAddresses({ serviceCidrs: cidrs.map(parsePrefix), nodePortRange: [30000, 32767] });
const service = (name: string, spec: ServiceSpec = {}) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'd' },
  spec,
});

function allocate(addresses: ServiceAddresses, name: string, spec: ServiceSpec = {}): ServiceSpec {
  const { spec: result, causes, commit } = addresses.allocate(service(name, { ports: [{ port: 80 }], ...spec }));
  assert.deepEqual(causes, []);
  commit();
  return result;
}

test('addresses nobody asked for come from above the lower band', () => {
  const addresses = allocator('10.96.0.0/24');
  const given = Array.from({ length: 239 }, (_, i) =>
    Number((allocate(addresses, `s${i}`).clusterIP ?? '').split('.')[3]),
  );
  assert.equal(new Set(given).size, given.length);
  assert.ok(
    given.every((last) => last >= 16 && last <= 254),
    `${Math.min(...given)}-${Math.max(...given)}`,
  );
  // The rest is used up: now the band, but never the tenth address.
  const band = Array.from({ length: 14 }, (_, i) =>
    Number((allocate(addresses, `b${i}`).clusterIP ?? '').split('.')[3]),
  );
  assert.deepEqual(
    band.sort((a, b) => a - b),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15],
  );
  assert.match(addresses.allocate(service('full')).causes[0]?.message ?? '', /range is full/);
  assert.equal(allocate(addresses, 'dns', { clusterIP: '10.96.0.10' }).clusterIP, '10.96.0.10');
  addresses.release(service('s7'));
  assert.equal(allocate(addresses, 'again').clusterIP, `10.96.0.${given[7]}`);
});

test('large IPv6 ranges and two families', () => {
  const addresses = allocator('10.96.0.0/16', 'fd00:1::/108');
  const dual = allocate(addresses, 'dual', { ipFamilyPolicy: 'PreferDualStack' });
  assert.deepEqual(dual.ipFamilies, ['IPv4', 'IPv6']);
  assert.equal(dual.clusterIPs?.length, 2);
  const index = ipToBigInt(parseIp(dual.clusterIPs?.[1] ?? '')) - ipToBigInt(parseIp('fd00:1::'));
  assert.ok(index >= 256n && index < 1n << 20n);
  const six = allocate(addresses, 'six', { ipFamilies: ['IPv6'] });
  assert.equal(six.ipFamilyPolicy, 'SingleStack');
  assert.match(six.clusterIP ?? '', /^fd00:1::/);
  assert.deepEqual(allocate(addresses, 'asked', { clusterIP: 'fd00:1::7' }).ipFamilies, ['IPv6']);
});

test('headless, ExternalName and wrong wishes', () => {
  const addresses = allocator('10.96.0.0/16');
  const headless = allocate(addresses, 'headless', { clusterIP: 'None' });
  assert.deepEqual([headless.clusterIP, headless.clusterIPs, headless.ipFamilies], ['None', ['None'], ['IPv4']]);
  const external = allocate(addresses, 'external', { type: 'ExternalName', externalName: 'a.b' });
  assert.deepEqual([external.clusterIP, external.clusterIPs, external.ipFamilies], [undefined, undefined, undefined]);
  const message = (spec: ServiceSpec) => addresses.allocate(service('x', spec)).causes[0]?.message ?? 'accepted';
  assert.match(
    message({ clusterIP: '192.168.0.1' }),
    /not in the valid range\. The range of valid IPs is 10\.96\.0\.0\/16/,
  );
  assert.match(message({ ipFamilies: ['IPv6'] }), /not configured on this cluster/);
  assert.match(message({ ipFamilyPolicy: 'RequireDualStack' }), /not configured for dual-stack/);
  assert.match(
    message({ type: 'NodePort', ports: [{ port: 80, nodePort: 80 }] }),
    /The range of valid ports is 30000-32767/,
  );
});

test('node ports: one for both protocols of a port, the health check port for Local', () => {
  const addresses = allocator('10.96.0.0/16');
  const both = allocate(addresses, 'dns', {
    type: 'NodePort',
    ports: [
      { port: 53, protocol: 'UDP', name: 'u' },
      { port: 53, protocol: 'TCP', name: 't' },
    ],
  });
  assert.equal(both.ports?.[0]?.nodePort, both.ports?.[1]?.nodePort);
  assert.ok((both.ports?.[0]?.nodePort ?? 0) >= 30086, 'below the static band');
  const balanced = allocate(addresses, 'lb', { type: 'LoadBalancer', externalTrafficPolicy: 'Local' });
  assert.ok((balanced.healthCheckNodePort ?? 0) >= 30086);
  assert.notEqual(balanced.healthCheckNodePort, balanced.ports?.[0]?.nodePort);
  const none = allocate(addresses, 'none', { type: 'LoadBalancer', allocateLoadBalancerNodePorts: false });
  assert.equal(none.ports?.[0]?.nodePort, undefined);
});
