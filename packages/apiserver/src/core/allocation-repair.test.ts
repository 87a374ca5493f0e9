import assert from 'node:assert/strict';
import { cp, mkdtemp, readdir, rm, stat, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { ServiceSpec } from 'kubernetes-types/core/v1.js';
import type { ApiObject } from '../seam.ts';
import { ServiceServer } from '../testing/services.ts';
import { addressesOf, portsOf } from './service-addresses.ts';
import { Store } from './store.ts';

const CIDRS = ['10.96.0.0/24', 'fd00:96::/112'];

async function inDirectory(use: (directory: string) => Promise<void>): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'podwire-allocation-'));
  try {
    await use(directory);
  } finally {
    await rm(directory, { recursive: true });
  }
}

/** Every address of a Service has its IPAddress and the other way round; no port is in two Services. */
async function assertConsistent(it: ServiceServer): Promise<void> {
  const { items } = await it.client.list('Service');
  const expected = items.flatMap(({ metadata, spec }) =>
    addressesOf(spec ?? {}).map((ip) => `${ip} default/${metadata?.name}`),
  );
  assert.deepEqual((await it.taken()).sort(), expected.sort());
  const ports = items.flatMap(({ spec }) => portsOf(spec ?? {}));
  assert.equal(new Set(ports).size, ports.length, `${ports}`);
}

/** As a writer that knows nothing of allocation leaves it. */
async function damage(directory: string, act: (store: Store) => Promise<unknown>): Promise<void> {
  const store = await Store.open({ directory: join(directory, 'state') });
  await act(store);
  await store.close();
}

const service = (name: string, spec: object): ApiObject => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'default', uid: name },
  spec: { type: 'NodePort', ipFamilies: ['IPv4'], ...spec },
});

describe('allocations of Services', () => {
  test('are what they were after a restart', () =>
    inDirectory(async (directory) => {
      const first = await ServiceServer.start({ directory, cidrs: CIDRS });
      const dual = await first.create('dual', { type: 'NodePort', ipFamilyPolicy: 'RequireDualStack' });
      const health = await first.create('health', { type: 'LoadBalancer', externalTrafficPolicy: 'Local' });
      const before = await first.taken();
      await first.close();
      const second = await ServiceServer.start({ directory, cidrs: CIDRS });
      assert.deepEqual([second.server.repairs, await second.taken()], [[], before]);
      await assertConsistent(second);
      const wishes: ServiceSpec[] = [
        { clusterIP: dual.clusterIPs?.[1] ?? '' },
        { type: 'NodePort', ports: [{ port: 1, nodePort: dual.ports?.[0]?.nodePort ?? 0 }] },
        { type: 'NodePort', ports: [{ port: 1, nodePort: health.healthCheckNodePort ?? 0 }] },
      ];
      for (const wish of wishes) await assert.rejects(second.create('thief', wish), /already allocated/);
      await second.close();
    }));

  test('of a server that knew no IPAddress are completed in silence', () =>
    inDirectory(async (directory) => {
      await damage(directory, (store) => store.put('Service', service('old', { clusterIP: '10.96.0.5', ports: [] })));
      const it = await ServiceServer.start({ directory, cidrs: CIDRS });
      assert.deepEqual([it.server.repairs, await it.taken()], [[], ['10.96.0.5 default/old']]);
      await it.close();
    }));

  test('leaks are removed, gaps filled, and what is in two hands reported', () =>
    inDirectory(async (directory) => {
      const first = await ServiceServer.start({ directory, cidrs: CIDRS });
      for (const name of ['leak', 'gap', 'moved', 'labels'])
        await first.create(name, { clusterIP: `10.96.0.${name.length + 100}` });
      const ip = Object.fromEntries((await first.taken()).map((text) => text.split(' default/').reverse()));
      await first.close();
      await damage(directory, async (store) => {
        const object = (kind: 'Service' | 'IPAddress', key: string) => store.get(kind, key) as ApiObject;
        await store.remove('Service', object('Service', 'default/leak'));
        await store.remove('IPAddress', object('IPAddress', ip.gap));
        const moved = object('IPAddress', ip.moved);
        await store.put('IPAddress', {
          ...moved,
          spec: { parentRef: { resource: 'services', namespace: 'default', name: 'gone' } },
        });
        const bare = object('IPAddress', ip.labels);
        await store.put('IPAddress', { ...bare, metadata: { ...bare.metadata, labels: {} } });
        await store.put('Service', service('double', { clusterIP: ip.moved, ports: [{ port: 1, nodePort: 30001 }] }));
        await store.put(
          'Service',
          service('triple', { clusterIP: '10.99.0.1', ports: [{ port: 1, nodePort: 30001 }] }),
        );
        await store.put('Service', service('alien', { clusterIP: 'ten', ports: [{ port: 1, nodePort: 80 }] }));
      });
      const it = await ServiceServer.start({ directory, cidrs: CIDRS });
      const again = 'please recreate service';
      assert.deepEqual(
        [...it.server.repairs].sort(),
        [
          `Cluster IP [IPv4]: 10.99.0.1 is not within any configured Service CIDR; ${again}`,
          `Cluster IP [IPv4]: ${ip.gap} is not allocated; repairing`,
          `Cluster IP [IPv4]: ${ip.moved} was assigned to multiple services; ${again}`,
          'Cluster IP ten is not a valid IP; please recreate Service',
          `IPAddress: ${ip.leak} for Service default/leak appears to have leaked: cleaning up`,
          `Port 30001 was assigned to multiple services; ${again}`,
          `Port 30001 was assigned to multiple services; ${again}`,
          `Port 80 is not within the port range 30000-32767; ${again}`,
          `the ClusterIP [IPv4]: ${ip.moved} for Service default/moved has a wrong reference; repairing`,
        ].sort(),
      );
      const { items } = await it.client.list('Event');
      const reasons = new Set(items.map(({ reason }) => reason));
      for (const reason of [
        'ClusterIPNotAllocated',
        'ClusterIPAlreadyAllocated',
        'ClusterIPOutOfRange',
        'ClusterIPNotValid',
        'IPAddressNotAllocated',
        'PortAlreadyAllocated',
        'PortOutOfRange',
      ])
        assert.ok(reasons.has(reason), reason);
      // Once the owners have acted, all is well.
      for (const name of ['double', 'triple', 'alien']) await it.delete(name);
      await it.close();
      const last = await ServiceServer.start({ directory, cidrs: CIDRS });
      assert.deepEqual(last.server.repairs, []);
      await assertConsistent(last);
      await last.close();
    }));

  test('a configuration that no longer fits the stored ranges is reported', () =>
    inDirectory(async (directory) => {
      await (await ServiceServer.start({ directory, cidrs: ['10.96.0.0/24'] })).close();
      // A second family is taken up.
      const dual = await ServiceServer.start({ directory, cidrs: CIDRS });
      assert.deepEqual((await dual.client.get('ServiceCIDR', { name: 'kubernetes' }))?.spec?.cidrs, CIDRS);
      await dual.close();
      const other = await ServiceServer.start({ directory, cidrs: ['10.98.0.0/24', 'fd00:96::/112'] });
      assert.deepEqual(other.server.repairs, [
        'The default ServiceCIDR [10.96.0.0/24 fd00:96::/112] does not match the controller flag configurations [10.98.0.0/24 fd00:96::/112]',
      ]);
      assert.match((await other.create('a')).clusterIP ?? '', /^10\.96\.0\./);
      await other.close();
    }));

  test('a crash at any byte of the log leaves nothing double and nothing lost', () =>
    inDirectory(async (directory) => {
      const live = join(directory, 'live');
      const it = await ServiceServer.start({ directory: live, cidrs: CIDRS });
      const log = async () => {
        const name = (await readdir(join(live, 'state'))).find((one) => one.startsWith('log.'));
        return join('state', name ?? '');
      };
      const from = (await stat(join(live, await log()))).size;
      await it.create('a', { type: 'NodePort', ipFamilyPolicy: 'RequireDualStack' });
      await it.patch('a', { ipFamilyPolicy: 'SingleStack', type: 'LoadBalancer' });
      await it.delete('a');
      await it.create('b');
      const to = (await stat(join(live, await log()))).size;
      const file = await log();
      await it.close();
      const step = Math.ceil((to - from) / 40);
      for (let size = from; size <= to; size += step) {
        const copy = join(directory, `at-${size}`);
        await cp(live, copy, { recursive: true });
        await truncate(join(copy, file), size);
        const restarted = await ServiceServer.start({ directory: copy, cidrs: CIDRS });
        await assertConsistent(restarted);
        await restarted.close();
        await rm(copy, { recursive: true });
      }
    }));
});

describe('allocation under load', () => {
  test('200 parallel creates never get one address or port twice', async () => {
    const it = await ServiceServer.start({ cidrs: CIDRS, nodePortRange: [30000, 30219] });
    const made = await Promise.all(
      Array.from({ length: 200 }, (_, i) =>
        it.create(`s${i}`, { type: 'NodePort', ipFamilyPolicy: 'RequireDualStack' }),
      ),
    );
    const addresses = made.flatMap(({ clusterIPs = [] }) => clusterIPs);
    assert.deepEqual([addresses.length, new Set(addresses).size], [400, 400]);
    await assertConsistent(it);
    const wish: ServiceSpec = { type: 'NodePort', clusterIP: '10.96.0.10', ports: [{ port: 1 }] };
    const results = await Promise.allSettled(Array.from({ length: 200 }, (_, i) => it.create(`w${i}`, wish)));
    assert.equal(results.filter(({ status }) => status === 'fulfilled').length, 1);
    await assertConsistent(it);
    await it.close();
  });

  test('any mix of creates, changes and deletes keeps Services, addresses and ports together', async () => {
    const type = fc.constantFrom('ClusterIP', 'NodePort', 'LoadBalancer', 'ExternalName');
    const spec = fc.record(
      {
        type,
        externalName: fc.constant('a.b'),
        ipFamilyPolicy: fc.constantFrom('SingleStack', 'PreferDualStack', 'RequireDualStack'),
        ipFamilies: fc.constantFrom(['IPv4'], ['IPv6'], ['IPv6', 'IPv4']),
        clusterIP: fc.constantFrom('None', '10.96.0.3', '10.96.0.4', 'fd00:96::3'),
        externalTrafficPolicy: fc.constantFrom('Local', 'Cluster'),
        allocateLoadBalancerNodePorts: fc.boolean(),
        healthCheckNodePort: fc.constantFrom(30001, 30002),
        ports: fc.constantFrom(
          [{ port: 80 }],
          [{ port: 80, nodePort: 30001 }],
          [
            { name: 'a', port: 1 },
            { name: 'b', port: 1, protocol: 'UDP' },
          ],
        ),
      },
      { requiredKeys: ['type'] },
    ) as fc.Arbitrary<ServiceSpec>;
    const step = fc.record({
      act: fc.constantFrom('create', 'replace', 'patch', 'delete', 'free'),
      name: fc.constantFrom('a', 'b', 'c'),
      spec,
    });
    let accepted = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 30 }), async (steps) => {
        const it = await ServiceServer.start({
          cidrs: ['10.96.0.0/28', 'fd00:96::/124'],
          nodePortRange: [30000, 30009],
        });
        const acts: Readonly<Record<string, (name: string, spec: ServiceSpec) => Promise<unknown>>> = {
          create: (name, wish) => it.create(name, wish),
          replace: (name, wish) => it.replace(name, wish),
          patch: (name, wish) => it.patch(name, wish),
          delete: (name) => it.delete(name),
          free: async () =>
            it.client.delete('IPAddress', { name: (await it.taken())[0]?.split(' ')[0] ?? '10.96.0.9' }),
        };
        await Promise.all(
          steps.map(async ({ act, name, spec: wish }) => {
            const done = await acts[act]?.(name, wish).then(
              () => true,
              (error: Error & { code?: string }) => {
                assert.match(
                  error.code ?? String(error),
                  /^KUBE_(INVALID|NOT_FOUND|ALREADY_EXISTS|API)|^ERR_ASSERTION/,
                );
                return false;
              },
            );
            if (done) accepted++;
          }),
        );
        await assertConsistent(it);
        await it.close();
      }),
      { numRuns: 60 },
    );
    assert.ok(accepted > 30, `${accepted} were accepted`);
  });
});
