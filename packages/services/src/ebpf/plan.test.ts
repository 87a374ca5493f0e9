import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { IpAddress } from '@podwire/base';
import fc from 'fast-check';
import type { EndpointModel, ServiceModel, ServicesView } from '../model.ts';
import { BY_ID, ENDPOINT, KEY, SERVICE } from './layout.ts';
import { addElements, describeEntry, emptyElements, SocketPlan } from './plan.ts';

const ip = (text: string) => text as IpAddress;
const endpoint = (last: number, more: Partial<EndpointModel> = {}): EndpointModel => ({
  ...{ address: ip(`10.244.1.${last}`), port: 8080, ready: true, fallback: false, local: true, maybeLocal: true },
  ...more,
});
const service = (name: string, more: Partial<ServiceModel> = {}): ServiceModel => ({
  namespace: 'default',
  name,
  clusterAddresses: [ip('10.96.0.1')],
  externalAddresses: [],
  loadBalancerAddresses: [],
  affinitySeconds: 0,
  internalLocal: false,
  externalLocal: false,
  ports: [{ name: 'http', protocol: 'tcp', port: 80, endpoints: [endpoint(5), endpoint(6)] }],
  ...more,
});
const view = (...services: readonly ServiceModel[]): ServicesView => ({
  cluster: { podCidrs: [], serviceCidrs: [] },
  node: { name: 'n', addresses: [], nodePortAddresses: [ip('172.30.0.11')], podCidrs: [] },
  services: new Map(services.map((one) => [`${one.namespace}/${one.name}`, one])),
  foreign: new Map(),
});
const planned = (...services: readonly ServiceModel[]) => {
  const plan = new SocketPlan();
  plan.update(view(...services), 'all');
  return plan;
};
const lines = (plan: SocketPlan) => plan.entries.map((entry) => describeEntry(entry).what).sort();
const elements = (plan: SocketPlan) => {
  const all = emptyElements();
  for (const entry of plan.entries) addElements(all, entry);
  return all;
};

test('an entry is one service element and a slot for each endpoint', () => {
  const { services, endpoints, tables } = elements(planned(service('web')));
  const key = '00000000000000000000ffff0a600001' + '0050' + '0600';
  assert.equal(services.keys.toString('hex'), key);
  assert.equal(services.values.toString('hex'), `02000000${'00'.repeat(12)}`);
  assert.equal(endpoints.keys.toString('hex'), `${key}00000000${key}01000000`);
  const address = '00000000000000000000ffff0af4010';
  assert.equal(endpoints.values.toString('hex'), `${address}51f90000001000000${address}61f90000001000000`);
  assert.equal(tables.count, 0);
});

test('where clients may stay, endpoints are found by their id as well, whatever the others are', () => {
  const idsOf = (...lasts: readonly number[]) => {
    const ports = [{ name: '', protocol: 'udp', port: 53, endpoints: lasts.map((last) => endpoint(last)) }] as const;
    const { endpoints } = elements(planned(service('dns', { ports })));
    const slots = Array.from({ length: endpoints.count }, (_, row) =>
      endpoints.keys.readUInt32LE(row * endpoints.keySize + KEY.slot),
    );
    return slots.filter((slot) => slot >= BY_ID);
  };
  assert.equal(idsOf(5, 6).length, 2);
  assert.deepEqual(idsOf(6), idsOf(5, 6).slice(1));
});

test('weights are slots, and places in the table of Maglev', () => {
  const endpoints = [endpoint(5, { weight: 3 }), endpoint(6)];
  const ports = [{ name: '', protocol: 'tcp', port: 80, endpoints }] as const;
  const all = elements(planned(service('web', { ports, balance: 'maglev' })));
  assert.equal(all.endpoints.count, 4);
  const slots = Array.from({ length: 2003 }, (_, i) => all.tables.values.readUInt16LE(i * 2));
  assert.deepEqual([...new Set(slots)].sort(), [0, 3]);
  assert.ok(Math.abs(slots.filter((slot) => slot === 0).length - (2003 * 3) / 4) <= 3);
});

test('with least connections an endpoint has one slot, and its weight in it', () => {
  const endpoints = [endpoint(5, { weight: 3 }), endpoint(6, { weight: 2 })];
  const ports = [{ name: '', protocol: 'tcp', port: 80, endpoints }] as const;
  const all = elements(planned(service('web', { ports, balance: 'least-connections' })));
  assert.equal(all.services.values.readUInt32LE(SERVICE.count), 2);
  const weights = [0, 1].map((row) => all.endpoints.values.readUInt16LE(row * ENDPOINT.size + ENDPOINT.weight));
  assert.deepEqual([all.endpoints.count, weights], [2, [3, 2]]);
});

test('what sockets cannot do is left out, what has no endpoint is refused', () => {
  const sctp = service('sctp', { ports: [{ name: '', protocol: 'sctp', port: 80, endpoints: [endpoint(5)] }] });
  assert.deepEqual(lines(planned(sctp)), []);
  const away = [
    { name: '', protocol: 'tcp', port: 80, endpoints: [endpoint(7, { local: false, maybeLocal: false })] },
  ] as const;
  assert.deepEqual(lines(planned(service('local', { ports: away, internalLocal: true }))), []);
  const fenced = service('fenced', {
    clusterAddresses: [],
    loadBalancerAddresses: [ip('198.51.100.1')],
    sourceRanges: ['192.0.2.0/24' as never],
  });
  assert.deepEqual(lines(planned(fenced)), []);
  const none = [{ name: '', protocol: 'tcp', port: 80, endpoints: [] }] as const;
  assert.deepEqual(lines(planned(service('none', { ports: none }))), [
    'sockets: cluster IP 10.96.0.1 tcp 80 is refused: no endpoints',
  ]);
});

test('who loses an address gets it from nobody, also when sockets can do nothing for the winner', () => {
  const away = [endpoint(7, { local: false, maybeLocal: false })];
  const port = { name: '', port: 80, endpoints: away } as const;
  const mine = { namespace: 'bank', clusterAddresses: [] };
  const winners = {
    dropped: service('api', { ...mine, clusterAddresses: [ip('10.96.0.20')], internalLocal: true }),
    fenced: service('api', {
      ...mine,
      loadBalancerAddresses: [ip('10.96.0.20')],
      sourceRanges: ['192.0.2.0/24' as never],
    }),
    sctp: service('api', { ...mine, clusterAddresses: [ip('10.96.0.20')] }),
  };
  for (const [why, winner] of Object.entries(winners)) {
    const protocol = why === 'sctp' ? 'sctp' : 'tcp';
    const bank = { ...winner, ports: [{ ...port, protocol }] } as const;
    const thief = service('x', {
      ...{ namespace: 'evil', clusterAddresses: [], externalAddresses: [ip('10.96.0.20')] },
      ports: [{ name: '', port: 80, protocol, endpoints: [endpoint(6)] }],
    });
    assert.deepEqual(lines(planned(thief, bank)), [], why);
    const plan = planned(thief);
    const stolen = protocol === 'sctp' ? [] : ['sockets: external IP 10.96.0.20 tcp 80 -> 10.244.1.6:8080'];
    assert.deepEqual(lines(plan), stolen, why);
    const [change] = plan.update(view(thief, bank), new Set(['bank/api']));
    assert.equal(change?.after, undefined, why);
    assert.deepEqual(lines(plan), [], why);
    assert.equal(plan.size, 0, why);
    plan.update(view(thief), new Set(['bank/api']));
    assert.deepEqual(lines(plan), stolen, why);
    assert.equal(plan.size, stolen.length, why);
  }
});

test('changes one by one come to what all at once come to, and tell only what differs', () => {
  const one = fc.record({
    name: fc.constantFrom('a', 'b', 'c'),
    there: fc.boolean(),
    last: fc.integer({ min: 1, max: 2 }),
    endpoints: fc.uniqueArray(fc.integer({ min: 1, max: 4 }), { maxLength: 3 }),
    external: fc.boolean(),
    internalLocal: fc.boolean(),
  });
  const somewhere = (n: number) => endpoint(n, { local: n > 2 });
  fc.assert(
    fc.property(fc.array(one, { maxLength: 12 }), (steps) => {
      const plan = new SocketPlan();
      const present = new Map<string, ServiceModel>();
      for (const { name, there, last, endpoints, external, internalLocal } of steps) {
        const addresses = [ip(`10.96.0.${last}`)];
        const ports = [{ name: '', protocol: 'tcp', port: 80, endpoints: endpoints.map(somewhere) }] as const;
        const kind = external
          ? { clusterAddresses: [], externalAddresses: addresses }
          : { clusterAddresses: addresses };
        if (there) present.set(name, service(name, { ...kind, ports, internalLocal }));
        else present.delete(name);
        const before = lines(plan);
        const changes = plan.update(view(...present.values()), new Set([`default/${name}`]));
        const whole = planned(...present.values());
        assert.deepEqual(lines(plan), lines(whole));
        assert.equal(plan.size, whole.entries.length);
        if (changes.length === 0) assert.deepEqual(lines(plan), before);
      }
    }),
  );
});
