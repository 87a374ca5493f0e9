import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parsePrefix } from '@podwire/base';
import type { ServiceCIDR } from '@podwire/kube';
import { startApiServer } from '../server.ts';
import { refusal, ServiceServer } from '../testing/services.ts';

const FINALIZER = 'networking.k8s.io/service-cidr-finalizer';
const cidr = (name: string, ...cidrs: string[]): ServiceCIDR => ({ metadata: { name }, spec: { cidrs } });
const ready = ({ status }: ServiceCIDR) =>
  status?.conditions?.map(({ type, status: is, reason }) => `${type}=${is} ${reason}`.trim());

async function withServer(cidrs: readonly string[], use: (it: ServiceServer) => Promise<void>): Promise<void> {
  const it = await ServiceServer.start({ cidrs });
  try {
    await use(it);
  } finally {
    await it.close();
  }
}

/** All there are; a refusal ends it. */
async function fill(it: ServiceServer, prefix: string): Promise<string[]> {
  const given: string[] = [];
  for (;;) {
    try {
      given.push((await it.create(`${prefix}${given.length}`)).clusterIP ?? '');
    } catch (error) {
      assert.match(String(error), /failed to allocate a serviceIP: range is full/);
      return given;
    }
  }
}

describe('SVC-28 ServiceCIDR', () => {
  test('the default one is there from the start, ready and protected', () =>
    withServer(['10.96.0.0/24', 'fd00:96::/120'], async ({ client }) => {
      const { items } = await client.list('ServiceCIDR');
      assert.deepEqual(
        items.map((one) => [one.metadata?.name, one.spec?.cidrs, one.metadata?.finalizers, ready(one)]),
        [['kubernetes', ['10.96.0.0/24', 'fd00:96::/120'], [FINALIZER], ['Ready=True']]],
      );
    }));

  test('the Service kubernetes has the first address, and DNS may have the tenth', async () => {
    const server = await startApiServer({
      serviceCidrs: [parsePrefix('10.96.0.0/28')],
      nodePortRange: [30000, 32767],
      advertise: { address: '192.0.2.1', port: 6443 },
    });
    const client = server.client();
    const [kubernetes] = (await client.list('IPAddress')).items;
    assert.deepEqual(
      [kubernetes?.metadata?.name, kubernetes?.spec?.parentRef],
      ['10.96.0.1', { resource: 'services', namespace: 'default', name: 'kubernetes' }],
    );
    assert.deepEqual(kubernetes?.metadata?.labels, {
      'ipaddress.kubernetes.io/ip-family': 'IPv4',
      'ipaddress.kubernetes.io/managed-by': 'ipallocator.k8s.io',
    });
    const ports = [{ port: 53 }];
    for (let i = 0; i < 12; i++) {
      const made = await client.create('Service', { metadata: { name: `s${i}` }, spec: { ports } });
      assert.notEqual(made.spec?.clusterIP, '10.96.0.10');
    }
    const dns = { metadata: { name: 'kube-dns', namespace: 'kube-system' }, spec: { clusterIP: '10.96.0.10', ports } };
    assert.equal((await client.create('Service', dns)).spec?.clusterIP, '10.96.0.10');
    await server.close();
  });

  test('another one gives addresses when the first is full, and goes when nobody has one of them', () =>
    withServer(['10.96.0.0/28'], async (it) => {
      assert.equal((await fill(it, 'a')).length, 13);
      const made = await it.client.create('ServiceCIDR', cidr('more', '10.97.0.0/29'));
      assert.deepEqual([made.metadata?.finalizers, ready(made)], [[FINALIZER], ['Ready=True']]);
      const given = await fill(it, 'b');
      assert.deepEqual(given.sort(), ['10.97.0.1', '10.97.0.2', '10.97.0.3', '10.97.0.4', '10.97.0.5', '10.97.0.6']);
      await it.client.delete('ServiceCIDR', { name: 'more' });
      const held = await it.client.get('ServiceCIDR', { name: 'more' });
      assert.deepEqual(held && ready(held), ['Ready=False Terminating']);
      assert.match(held?.status?.conditions?.[0]?.message ?? '', /still IPAddresses referencing the ServiceCIDR/);
      await it.delete('b0');
      assert.match((await refusal(it.create('c')))[0] ?? '', /range is full/);
      assert.match((await refusal(it.create('c', { clusterIP: '10.97.0.1' })))[0] ?? '', /not in the valid range/);
      for (let i = 1; i < 6; i++) await it.delete(`b${i}`);
      assert.equal(await it.client.get('ServiceCIDR', { name: 'more' }), undefined);
    }));

  test('one that a larger one covers can go with its addresses in use', () =>
    withServer(['10.96.0.0/16'], async (it) => {
      await it.client.create('ServiceCIDR', cidr('small', '10.97.0.0/24'));
      await it.create('a', { clusterIP: '10.97.0.7' });
      await it.client.delete('ServiceCIDR', { name: 'small' });
      assert.ok(await it.client.get('ServiceCIDR', { name: 'small' }));
      // It need not be there first.
      await it.client.create('ServiceCIDR', cidr('large', '10.97.0.0/16'));
      assert.equal(await it.client.get('ServiceCIDR', { name: 'small' }), undefined);
      assert.deepEqual(await it.taken(), ['10.97.0.7 default/a']);
      // Two of the same range protect each other, but not when both are to go.
      await it.client.create('ServiceCIDR', cidr('twin', '10.97.0.0/16'));
      await it.client.delete('ServiceCIDR', { name: 'twin' });
      assert.equal(await it.client.get('ServiceCIDR', { name: 'twin' }), undefined);
      await it.client.delete('ServiceCIDR', { name: 'large' });
      await it.client.create('ServiceCIDR', cidr('half', '10.97.0.0/17'));
      assert.equal(await it.client.get('ServiceCIDR', { name: 'large' }), undefined);
    }));

  test('the default one stays while it is used, and comes back when it is not', () =>
    withServer(['10.96.0.0/24'], async (it) => {
      await it.create('a');
      const before = await it.client.get('ServiceCIDR', { name: 'kubernetes' });
      await it.client.delete('ServiceCIDR', { name: 'kubernetes' });
      assert.match((await refusal(it.create('b')))[0] ?? '', /range is full/);
      await it.delete('a');
      const now = await it.client.get('ServiceCIDR', { name: 'kubernetes' });
      assert.notEqual(now?.metadata?.uid, before?.metadata?.uid);
      assert.deepEqual(now?.spec, before?.spec);
      await it.create('b');
    }));

  test('one that is said not to be ready gives no addresses', () =>
    withServer(['10.96.0.0/24'], async (it) => {
      const say = (status: 'True' | 'False') => {
        const conditions = [
          { type: 'Ready', status, reason: '', message: '', lastTransitionTime: '2030-01-01T00:00:00Z' },
        ];
        return it.client.patch(
          'ServiceCIDR',
          { name: 'kubernetes' },
          { status: { conditions } },
          { subresource: 'status' },
        );
      };
      await it.create('a');
      await say('False');
      assert.match((await refusal(it.create('b')))[0] ?? '', /range is full/);
      await it.patch('a', { selector: { x: 'y' } });
      await say('True');
      await it.create('b');
    }));

  test('a finalizer of somebody else is waited for, after ours', () =>
    withServer(['10.96.0.0/24'], async ({ client }) => {
      await client.create('ServiceCIDR', {
        metadata: { name: 'x', finalizers: ['a.b/c'] },
        spec: { cidrs: ['10.97.0.0/24'] },
      });
      await client.delete('ServiceCIDR', { name: 'x' });
      assert.deepEqual((await client.get('ServiceCIDR', { name: 'x' }))?.metadata?.finalizers, ['a.b/c']);
      await client.patch('ServiceCIDR', { name: 'x' }, { metadata: { finalizers: null } });
      assert.equal(await client.get('ServiceCIDR', { name: 'x' }), undefined);
    }));

  test('ranges are canonical, one per family, and only a second family may be added', () =>
    withServer(['10.96.0.0/24'], async ({ client }) => {
      const cases: readonly [readonly string[], string][] = [
        [[], 'FieldValueRequired spec.cidrs: Required value: at least one CIDR required'],
        [
          ['10.97.0.1/24'],
          'FieldValueInvalid spec.cidrs[0]: Invalid value: "10.97.0.1/24": must not have bits set beyond the prefix length',
        ],
        [
          ['FD00::/64'],
          'FieldValueInvalid spec.cidrs[0]: Invalid value: "FD00::/64": must be in canonical form ("fd00::/64")',
        ],
        [
          ['10.97.0.0'],
          'FieldValueInvalid spec.cidrs[0]: Invalid value: "10.97.0.0": must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)',
        ],
        [
          ['10.97.0.0/24', '10.98.0.0/24'],
          'FieldValueInvalid spec.cidrs: Invalid value: ["10.97.0.0/24","10.98.0.0/24"]: may specify no more than one IP for each IP family, i.e 192.168.0.0/24 and 2001:db8::/64',
        ],
        [
          ['fd00::/48'],
          'FieldValueInvalid spec.cidrs[0]: Invalid value: "fd00::/48": shortest allowed prefix length for service CIDR is 64',
        ],
        [
          ['10.0.0.0/24', 'fd00::/64', 'fd01::/64'],
          'FieldValueInvalid spec.cidrs: Invalid value: ["10.0.0.0/24","fd00::/64","fd01::/64"]: may only hold up to 2 values',
        ],
      ];
      for (const [cidrs, expected] of cases)
        assert.deepEqual(await refusal(client.create('ServiceCIDR', cidr('x', ...cidrs))), [expected]);
      const made = await client.create('ServiceCIDR', cidr('x', '10.97.0.0/24'));
      const change = (cidrs: readonly string[]) => client.patch('ServiceCIDR', { name: 'x' }, { spec: { cidrs } });
      for (const cidrs of [['10.98.0.0/24'], ['10.98.0.0/24', 'fd00::/64']])
        assert.deepEqual(await refusal(change(cidrs)), [
          'FieldValueInvalid spec.cidrs[0]: Invalid value: "10.98.0.0/24": field is immutable',
        ]);
      const both = await change(['10.97.0.0/24', 'fd00::/64']);
      assert.deepEqual([both.spec?.cidrs, both.status], [['10.97.0.0/24', 'fd00::/64'], made.status]);
      assert.deepEqual(await refusal(change(['10.97.0.0/24'])), [
        'FieldValueInvalid spec.cidrs: Invalid value: ["10.97.0.0/24"]: field is immutable',
      ]);
    }));
});

describe('SVC-28 IPAddress', () => {
  const reserved = (name: string) => ({
    metadata: { name },
    spec: { parentRef: { group: 'gateway.example.org', resource: 'gateways', namespace: 'n', name: 'g' } },
  });

  test("somebody's own reservation keeps an address from Services until it is gone", () =>
    withServer(['10.96.0.0/30'], async (it) => {
      await it.client.create('IPAddress', reserved('10.96.0.1'));
      assert.equal((await it.create('a')).clusterIP, '10.96.0.2');
      assert.match(
        (await refusal(it.create('b', { clusterIP: '10.96.0.1' })))[0] ?? '',
        /provided IP is already allocated/,
      );
      assert.match((await refusal(it.create('b')))[0] ?? '', /range is full/);
      await it.client.delete('IPAddress', { name: '10.96.0.1' });
      assert.equal((await it.create('b')).clusterIP, '10.96.0.1');
    }));

  test('the one of a Service cannot be taken away from it', () =>
    withServer(['10.96.0.0/24'], async (it) => {
      const name = (await it.create('a')).clusterIP ?? '';
      await it.client.delete('IPAddress', { name });
      assert.deepEqual(await it.taken(), [`${name} default/a`]);
      assert.match((await refusal(it.create('b', { clusterIP: name })))[0] ?? '', /already allocated/);
      await it.delete('a');
      assert.deepEqual(await it.taken(), []);
    }));

  test('its name is an address, its parent stays', () =>
    withServer(['10.96.0.0/24'], async ({ client }) => {
      const names: readonly [string, string][] = [
        ['10.96.0.01', 'must not have leading 0s'],
        ['fd00::0', 'must be in canonical form ("fd00::")'],
        ['x', 'must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'],
      ];
      for (const [name, why] of names)
        assert.deepEqual(await refusal(client.create('IPAddress', reserved(name))), [
          `FieldValueInvalid metadata.name: Invalid value: ${JSON.stringify(name)}: ${why}`,
        ]);
      const bare = { metadata: { name: '10.96.0.9' }, spec: {} } as never;
      assert.deepEqual(await refusal(client.create('IPAddress', bare)), [
        'FieldValueRequired spec.parentRef: Required value',
      ]);
      await client.create('IPAddress', reserved('10.96.0.9'));
      const moved = client.patch('IPAddress', { name: '10.96.0.9' }, { spec: { parentRef: { name: 'h' } } });
      assert.match(
        (await refusal(moved))[0] ?? '',
        /spec\.parentRef: Invalid value: .*"name":"h".*: field is immutable$/,
      );
    }));
});
