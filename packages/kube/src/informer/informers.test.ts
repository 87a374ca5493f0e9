import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PodwireError } from '@podwire/base';
import type { KubeClient, WatchEvent } from '../client.ts';
import type { ConfigMap } from '../kinds.ts';
import { VirtualClock } from '../virtual-clock.fixture.ts';
import { createInformers } from './informers.ts';
import type { StoreEvent } from './object-store.ts';

const configMap = (name: string, resourceVersion: string, uid = name): ConfigMap => ({
  metadata: { name, namespace: 'n', resourceVersion, uid },
});

type List = { items: ConfigMap[]; resourceVersion: string };
type Watch = { from: string; send: (event: WatchEvent<ConfigMap>) => void; end: (error?: unknown) => void };

/** A client whose answers the test gives by hand. */
function scripted(lists: (List | Error)[]) {
  const watches: Watch[] = [];
  let notify = () => {};
  const client = {
    list: async () => {
      const next = lists.shift();
      if (next instanceof Error) throw next;
      return next ?? assert.fail('an unexpected list');
    },
    watch: (_kind: string, options: { resourceVersion: string; signal: AbortSignal }, send: Watch['send']) =>
      new Promise<void>((resolve, reject) => {
        const end = (error?: unknown) => (error === undefined ? resolve() : reject(error));
        options.signal.addEventListener('abort', () => resolve());
        watches.push({ from: options.resourceVersion, send, end });
        notify();
      }),
  } as unknown as KubeClient;
  const watch = async (n: number): Promise<Watch> => {
    while (watches.length <= n) {
      const { promise, resolve } = Promise.withResolvers<void>();
      notify = resolve;
      await promise;
    }
    return watches[n] ?? assert.fail();
  };
  return { client, watch };
}

const text = ({ type, object }: StoreEvent<ConfigMap>) =>
  `${type} ${object.metadata?.name}@${object.metadata?.resourceVersion}`;

test('resumes after a reset, lists again after 410, and reports what differs', async () => {
  const { client, watch } = scripted([
    { items: [configMap('a', '1'), configMap('b', '2'), configMap('c', '3')], resourceVersion: '5' },
    { items: [configMap('a', '1'), configMap('b', '12'), configMap('c', '13', 'another')], resourceVersion: '20' },
  ]);
  const informers = createInformers(client);
  const informer = informers.of('ConfigMap');
  assert.equal(informers.of('ConfigMap'), informer);
  assert.equal(informer.hasSynced, false);
  await informer.synced;
  const seen: string[] = [];
  const unsubscribe = informer.subscribe((event) => void seen.push(text(event)));
  assert.deepEqual(seen.splice(0), ['added a@1', 'added b@2', 'added c@3']);

  const first = await watch(0);
  assert.equal(first.from, '5');
  first.send({ type: 'ADDED', object: configMap('d', '6') });
  first.send({ type: 'BOOKMARK', object: { metadata: { resourceVersion: '9' } } });
  first.end(new PodwireError('KUBE_UNAVAILABLE', 'reset'));
  const second = await watch(1);
  assert.equal(second.from, '9');
  second.send({ type: 'DELETED', object: configMap('d', '10') });
  second.end(new PodwireError('KUBE_GONE', 'too old'));
  const third = await watch(2);
  assert.equal(third.from, '20');
  assert.deepEqual(seen.splice(0), ['added d@6', 'deleted d@10', 'modified b@12', 'deleted c@3', 'added c@13']);
  unsubscribe();
  third.send({ type: 'MODIFIED', object: configMap('a', '21') });
  assert.deepEqual(seen, []);
  assert.equal(informer.get('a', 'n')?.metadata?.resourceVersion, '21');
  informers.stop();
});

test('a server that is not there yet is waited for', async () => {
  const down = new PodwireError('KUBE_UNAVAILABLE', 'no answer');
  const { client } = scripted([down, down, { items: [], resourceVersion: '1' }]);
  const informers = createInformers(client);
  await informers.of('ConfigMap').synced;
  assert.deepEqual(informers.of('ConfigMap').list(), []);
  informers.stop();
});

test('a kind the server does not have is not waited for, and is there when it comes', async () => {
  const clock = new VirtualClock();
  const asked: number[] = [];
  let isServed = false;
  const client = {
    list: async () => {
      asked.push(clock.now());
      if (!isServed) throw new PodwireError('KUBE_NOT_FOUND', 'the server could not find the requested resource');
      return { items: [configMap('a', '1')], resourceVersion: '1' };
    },
    watch: (_kind: string, { signal }: { signal: AbortSignal }) =>
      new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve())),
  } as unknown as KubeClient;
  const informers = createInformers(client, { clock });
  const informer = informers.of('ConfigMap');
  await informer.settled;
  assert.equal(informer.hasSynced, false);
  await clock.advance(3_600_000);
  // the waits grow to between half a minute and a whole one
  assert.ok(asked.length <= 140, `${asked.length} lists in an hour`);
  assert.ok(asked.length >= 60, `${asked.length} lists in an hour`);
  isServed = true;
  await clock.advance(60_000);
  assert.deepEqual(
    informer.list().map(({ metadata }) => metadata?.name),
    ['a'],
  );
  informers.stop();
});
