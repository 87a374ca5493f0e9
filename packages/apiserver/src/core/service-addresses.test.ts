import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ipToBigInt, type Prefix, parseIp, parsePrefix } from '@podwire/base';
import type { ServiceSpec } from 'kubernetes-types/core/v1.js';
import { AddressRange } from './address-range.ts';
import { NodePorts } from './node-ports.ts';
import { ServiceAddresses } from './service-addresses.ts';
import { Store } from './store.ts';

async function allocator(...cidrs: string[]) {
  const store = await Store.open({});
  const serviceCidrs = cidrs.map(parsePrefix);
  const addresses = new ServiceAddresses({ store, serviceCidrs, nodePortRange: [30000, 32767] });
  await addresses.cidrs.ensureDefault();
  return { store, addresses };
}

const service = (name: string, spec: ServiceSpec = {}) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'd' },
  spec: { ports: [{ port: 80 }], ...spec },
});

type Made = Awaited<ReturnType<typeof allocator>>;

async function allocate({ addresses, store }: Made, name: string, spec: ServiceSpec = {}): Promise<ServiceSpec> {
  const { spec: result, causes, commit } = addresses.allocate(service(name, spec));
  assert.deepEqual(causes, []);
  commit();
  await store.put('Service', { ...service(name), spec: result });
  return result;
}

const lastOctet = ({ clusterIP = '' }: ServiceSpec) => Number(clusterIP.split('.')[3]);

test('addresses nobody asked for come from above the lower band', async () => {
  const made = await allocator('10.96.0.0/24');
  const given: number[] = [];
  for (let i = 0; i < 238; i++) given.push(lastOctet(await allocate(made, `s${i}`)));
  assert.deepEqual([Math.min(...given), Math.max(...given), new Set(given).size], [17, 254, 238]);
  // The rest is used up: now the band, but never the tenth address.
  const band: number[] = [];
  for (let i = 0; i < 15; i++) band.push(lastOctet(await allocate(made, `b${i}`)));
  assert.deepEqual(
    band.sort((a, b) => a - b),
    [1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12, 13, 14, 15, 16],
  );
  assert.throws(() => made.addresses.allocate(service('full')), {
    message: 'Internal error occurred: failed to allocate a serviceIP: range is full',
  });
  assert.equal(
    (await allocate(made, 'dns', { clusterIP: '10.96.0.10', clusterIPs: ['10.96.0.10'] })).clusterIP,
    '10.96.0.10',
  );
  const gone = made.store.get('Service', 'd/s7');
  assert.ok(gone);
  await made.store.remove('Service', gone);
  made.addresses.release(gone);
  assert.equal(lastOctet(await allocate(made, 'again')), given[7]);
});

test('the lower band is min(max(16, size/16), 256); ranges of 16 and less have none', () => {
  const expected: readonly [string, first: string, last: string][] = [
    ['10.0.0.0/24', '10.0.0.17', '10.0.0.254'],
    ['10.0.0.0/20', '10.0.1.1', '10.0.15.254'],
    ['10.0.0.0/12', '10.0.1.1', '10.15.255.254'],
    ['10.0.0.0/27', '10.0.0.17', '10.0.0.30'],
    ['10.0.0.0/28', '10.0.0.1', '10.0.0.14'],
    ['10.0.0.0/30', '10.0.0.1', '10.0.0.2'],
    ['fd00::/120', 'fd00::11', 'fd00::ff'],
    ['fd00::/64', 'fd00::101', 'fd00::ffff:ffff:ffff:f800'],
  ];
  for (const [prefix, first, last] of expected) {
    const range = new AddressRange(parsePrefix(prefix));
    assert.equal(
      range.pick(
        () => 0,
        () => true,
      ),
      first,
      prefix,
    );
    assert.equal(
      range.pick(
        () => 1 - 2 ** -53,
        () => true,
      ),
      last,
      prefix,
    );
  }
  for (const prefix of ['10.0.0.0/31', '10.0.0.0/32', 'fd00::/128'])
    assert.equal(
      new AddressRange(parsePrefix(prefix)).pick(Math.random, () => true),
      undefined,
      prefix,
    );
  const range = new AddressRange('10.0.0.0/24' as Prefix);
  const inside = ['10.0.0.0', '10.0.0.1', '10.0.0.254', '10.0.0.255', '10.0.1.1'].map((ip) =>
    range.contains(parseIp(ip)),
  );
  assert.deepEqual(inside, [false, true, true, false, false]);
});

test('an address costs the same with ten thousand given, and little more in a range nearly full', () => {
  const range = new AddressRange(parsePrefix('10.96.0.0/16'));
  const taken = new Set<string>();
  let looks = 0;
  const isFree = (address: string) => {
    looks++;
    return !taken.has(address);
  };
  const give = (count: number) => {
    looks = 0;
    for (let i = 0; i < count; i++) taken.add(range.pick(Math.random, isFree) ?? '');
    return looks / count;
  };
  assert.ok(give(10_000) < 1.3);
  assert.ok(give(48_000) < 10);
  assert.equal(taken.size, 58_000);
});

test('large IPv6 ranges and two families', async () => {
  const made = await allocator('10.96.0.0/16', 'fd00:1::/108');
  const dual = await allocate(made, 'dual', { ipFamilyPolicy: 'PreferDualStack' });
  assert.deepEqual(dual.ipFamilies, ['IPv4', 'IPv6']);
  assert.equal(dual.clusterIPs?.length, 2);
  const index = ipToBigInt(parseIp(dual.clusterIPs?.[1] ?? '')) - ipToBigInt(parseIp('fd00:1::'));
  assert.ok(index > 256n && index < 1n << 20n);
  const six = await allocate(made, 'six', { ipFamilies: ['IPv6'] });
  assert.equal(six.ipFamilyPolicy, 'SingleStack');
  assert.match(six.clusterIP ?? '', /^fd00:1::/);
});

test('node ports nobody asked for come from above the lower band', () => {
  const ports = new NodePorts([30000, 32767], Math.random);
  const given = new Set<number>();
  for (let i = 0; i < 2682; i++) {
    const port = ports.pick(new Set());
    assert.ok(port && port >= 30086 && port <= 32767 && !given.has(port), `${port}`);
    given.add(port);
    ports.book(`s${i}`, [port]);
  }
  for (let i = 0; i < 86; i++) {
    const port = ports.pick(new Set());
    assert.ok(port && port >= 30000 && port < 30086, `${port}`);
    ports.book(`band${i}`, [port]);
  }
  assert.equal(ports.pick(new Set()), undefined);
  const expected: readonly [range: [number, number], first: number][] = [
    [[100, 115], 100],
    [[100, 116], 116],
    [[100, 10_099], 228],
  ];
  for (const [range, first] of expected) assert.equal(new NodePorts(range, () => 0).pick(new Set()), first);
});

test('one node port for both protocols of a port, another for health checks', async () => {
  const made = await allocator('10.96.0.0/16');
  const both = await allocate(made, 'dns', {
    type: 'NodePort',
    ports: [
      { port: 53, protocol: 'UDP', name: 'u' },
      { port: 53, protocol: 'TCP', name: 't' },
    ],
  });
  assert.equal(both.ports?.[0]?.nodePort, both.ports?.[1]?.nodePort);
  const balanced = await allocate(made, 'lb', { type: 'LoadBalancer', externalTrafficPolicy: 'Local' });
  assert.ok((balanced.healthCheckNodePort ?? 0) >= 30086);
  assert.notEqual(balanced.healthCheckNodePort, balanced.ports?.[0]?.nodePort);
  const none = await allocate(made, 'none', { type: 'LoadBalancer', allocateLoadBalancerNodePorts: false });
  assert.equal(none.ports?.[0]?.nodePort, undefined);
});
