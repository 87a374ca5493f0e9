import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { EndpointSlice, Service } from '@podwire/kube';
import type { ElementChange } from '@podwire/nft';
import type { ServiceModel } from './model.ts';
import { FamilyRules, type TableWriter } from './nftables/family-rules.ts';
import { ServiceStore } from './service-store.ts';
import { slowStartFromText, slowStartLimits } from './slow-start.ts';

const service = (annotations: Record<string, string> = { 'podwire.io/slow-start': '10s' }): Service => ({
  metadata: { namespace: 'default', name: 'web', annotations },
  spec: { clusterIP: '10.96.0.1', ports: [{ port: 80 }] },
});
/** Ready endpoints by the last number of their address; those behind `/` are not ready. */
const slice = (text: string): EndpointSlice => {
  const [ready = '', unready = ''] = text.split('/');
  const list = (part: string, isReady: boolean) =>
    [...part].map((last) => ({ addresses: [`10.244.1.${last}`], conditions: { ready: isReady } }));
  return {
    metadata: { namespace: 'default', name: 'web', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    ports: [{ port: 8080 }],
    endpoints: [...list(ready, true), ...list(unready, false)],
  };
};

function storeAt() {
  const clock = { now: 0 };
  const node = { name: 'node-1', addresses: [], nodePortAddresses: [], podCidrs: [] };
  const store = new ServiceStore({ podCidrs: [], serviceCidrs: [] }, node, () => clock.now);
  const put = (text: string, annotations?: Record<string, string>) => {
    store.putService(service(annotations));
    store.putSlice(slice(text));
    store.refresh();
  };
  /** `1:11 2:1`: endpoints and their weights. */
  const weights = () => {
    const endpoints = store.services.get('default/web')?.ports[0]?.endpoints ?? [];
    return endpoints.map(({ address, weight }) => `${address.split('.')[3]}:${weight ?? 1}`).join(' ');
  };
  const at = (seconds: number) => {
    clock.now = seconds * 1000;
    return store.refresh();
  };
  return { store, put, weights, at };
}

test('a step of one share is few elements in mode nftables', () => {
  const { store, put, at } = storeAt();
  const written: ElementChange[][] = [];
  const writer: TableWriter = {
    apply: () => 0,
    change: (_, changes) => written.push([...changes]),
    forgetFlows: () => {},
  };
  const rules = new FamilyRules('ipv4');
  put('12');
  rules.sync(writer, { view: store, changes: 'all', look: false });
  put('123');
  rules.sync(writer, { view: store, changes: new Set(['default/web']), look: false });
  written.length = 0;
  for (let second = 1; second < 10; second++) rules.sync(writer, { view: store, changes: at(second), look: false });
  const sizes = written.map((changes) =>
    changes.reduce((sum, { add = [], remove = [] }) => sum + add.length + remove.length, 0),
  );
  assert.equal(sizes.length, 9);
  // one more slot, and the number of slots instead of another one
  assert.ok(Math.max(...sizes) <= 3, sizes.join());
});

test('who becomes ready beside others begins with a small share, which grows by equal steps', () => {
  const { store, put, weights, at } = storeAt();
  put('12');
  assert.deepEqual([weights(), store.nextStep], ['1:1 2:1', undefined]);
  at(5);
  put('123');
  assert.deepEqual([weights(), store.nextStep], ['1:11 2:11 3:1', 1000]);
  assert.deepEqual([at(5.5), weights()], [new Set(), '1:11 2:11 3:1']);
  assert.deepEqual([at(6), weights(), store.nextStep], [new Set(['default/web']), '1:11 2:11 3:2', 1000]);
  assert.deepEqual([at(14.9), weights()], [new Set(['default/web']), '1:11 2:11 3:10']);
  assert.deepEqual([at(15), weights(), store.nextStep], [new Set(['default/web']), '1:1 2:1 3:1', undefined]);
  assert.deepEqual(at(100), new Set());
});

test('what is ready when the service is seen first, or after nothing was, has its full share', () => {
  const { put, weights } = storeAt();
  put('123');
  assert.equal(weights(), '1:1 2:1 3:1');
  put('/123');
  put('12');
  assert.equal(weights(), '1:1 2:1');
});

test('who stops being ready begins anew; others go on', () => {
  const { put, weights, at } = storeAt();
  put('1');
  put('12');
  at(2);
  put('123');
  assert.equal(weights(), '1:11 2:3 3:1');
  put('13/2');
  assert.equal(weights(), '1:11 2:11 3:1');
  at(4);
  put('123');
  assert.equal(weights(), '1:11 2:1 3:3');
});

test('the slow start of a service that goes, or does not want it any more, ends', () => {
  const { store, put, weights } = storeAt();
  put('1');
  put('12');
  put('12', {});
  assert.deepEqual([weights(), store.nextStep], ['1:1 2:1', undefined]);
  put('123', {});
  assert.equal(weights(), '1:1 2:1 3:1');
  put('1234', { 'podwire.io/slow-start': '10s', 'podwire.io/weights': '10.244.1.4=2' });
  assert.equal(weights(), '1:11 2:11 3:11 4:2');
  store.removeService(service());
  store.refresh();
  assert.equal(store.nextStep, undefined);
});

test('everything is read again when the node changes, and nobody begins anew', () => {
  const { store, put, weights, at } = storeAt();
  put('1');
  put('12');
  at(3);
  store.setNode({ ...store.node, zone: 'a' });
  assert.equal(store.refresh(), 'all');
  assert.equal(weights(), '1:11 2:4');
});

const ofSize = (count: number, more: Partial<ServiceModel> = {}) => {
  const endpoints = Array.from({ length: count }, () => ({}) as ServiceModel['ports'][number]['endpoints'][number]);
  return { ports: [{ name: '', protocol: 'tcp', port: 80, endpoints }] as ServiceModel['ports'], ...more };
};

test('times are minutes and seconds up to an hour; many endpoints have few steps', () => {
  const start = (text: string, count = 2) => slowStartFromText(text, ofSize(count));
  assert.deepEqual(start('30s'), { seconds: 30, parts: 11, slots: 22 });
  assert.equal(start(' 1m30s ')?.seconds, 90);
  assert.equal(start('60m')?.seconds, 3600);
  for (const text of ['', '0s', '30', '-1s', '61m', '1h', '1s1m', 'soon']) assert.equal(start(text), undefined, text);
  const parts = [1, 23, 24, 102, 103, 5461, 5462].map((count) => start('30s', count)?.parts);
  assert.deepEqual(parts, [11, 11, 5, 5, 3, 3, 1]);
});

test('who cannot have a slow start is told', () => {
  const named = { namespace: 'default', name: 'web' } as ServiceModel;
  const limits = (count: number, more: Partial<ServiceModel> = {}) => {
    const slowStart = slowStartFromText('30s', ofSize(count, more));
    return slowStartLimits([{ ...named, ...more, ...(slowStart && { slowStart }) }]);
  };
  assert.deepEqual(limits(2), []);
  assert.match(limits(6000)[0] ?? '', /^Service default\/web: slow-start is for at most 5461 endpoints/);
  assert.match(limits(2, { balance: 'source-hash' })[0] ?? '', /does not go with balance source-hash/);
});
