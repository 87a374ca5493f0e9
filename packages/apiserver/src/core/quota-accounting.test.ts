import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { PodwireError } from '@podwire/base';
import { kindNamed } from '@podwire/kube';
import type { ApiObject } from '../seam.ts';
import { startApiServer } from '../server.ts';
import { Quotas } from './quotas.ts';
import { restBench } from './rest.fixture.ts';
import { Store } from './store.ts';

const namespace = 'default';
const at = (name: string) => ({ name, namespace });
const map = (name: string) => ({ metadata: at(name) });
const limit = (amount: number) => ({ metadata: at('few'), spec: { hard: { 'count/configmaps': String(amount) } } });
const refused = { code: 'KUBE_FORBIDDEN' };

test('a dry run is refused what a write would be, and takes nothing', async (t) => {
  const { client, ask } = await restBench(t);
  await client.create('ResourceQuota', limit(1));
  const where = `/api/v1/namespaces/${namespace}/configmaps`;
  const create = async (name: string, query = ''): Promise<number> =>
    (await ask(`POST ${where}${query}`, { apiVersion: 'v1', kind: 'ConfigMap', ...map(name) })).code;
  const dry = '?dryRun=All';
  assert.deepEqual([await create('a', dry), await create('b', dry), await create('a')], [201, 201, 201]);
  assert.deepEqual([await create('b', dry), await create('b')], [403, 403]);
  assert.equal((await ask(`DELETE ${where}/a${dry}`)).code, 200);
  assert.equal(await create('b'), 403);
  assert.equal((await ask(`DELETE ${where}/a`)).code, 200);
  assert.equal(await create('b'), 201);
});

test('however writes fall together, there is never more than the quota, and all of it can be had', async (t) => {
  const server = await startApiServer();
  t.after(() => server.close());
  const client = server.client();
  const count = async () => (await client.list('ConfigMap', { namespace })).items.length;
  await client.create('ResourceQuota', limit(5));
  const flip = async (index: number): Promise<void> => {
    if (index % 3 === 2) await client.delete('ConfigMap', at(`m-${index % 9}`));
    else await client.create('ConfigMap', map(`m-${index % 7}`)).catch(() => {});
    assert.ok((await count()) <= 5);
  };
  await Promise.all(Array.from({ length: 60 }, (_, index) => flip(index)));
  for (let index = await count(); index < 5; index++) await client.create('ConfigMap', map(`n-${index}`));
  await assert.rejects(client.create('ConfigMap', map('more')), refused);
  await client.patch('ResourceQuota', at('few'), { spec: { hard: { 'count/configmaps': '6' } } });
  await client.create('ConfigMap', map('more'));
  await assert.rejects(client.create('ConfigMap', map('still-more')), refused);
});

test('after a restart what was kept is counted', async (t) => {
  const directory = mkdtempSync(path.join(tmpdir(), 'podwire-quota-'));
  const first = await startApiServer({ directory });
  await first.client().create('ResourceQuota', limit(2));
  await first.client().create('ConfigMap', map('a'));
  await first.close();
  const second = await startApiServer({ directory });
  t.after(async () => {
    await second.close();
    rmSync(directory, { recursive: true });
  });
  await second.client().create('ConfigMap', map('b'));
  await assert.rejects(second.client().create('ConfigMap', map('c')), refused);
});

test('what could not be kept takes nothing', async () => {
  let isFull = false;
  const append = async (): Promise<void> => {
    if (isFull) throw new PodwireError('APISERVER_STATE_REFUSED', 'no room');
  };
  const limits = { records: 100, bytes: 1e6 };
  const state = { limit: limits, trouble: undefined, append, close: async () => {} };
  const store = await Store.open({ backend: { state, recovered: { records: [], tornBytes: 0 } } });
  const quotas = new Quotas(store);
  const write = (name: string): Promise<unknown> => {
    const object: ApiObject = { apiVersion: 'v1', kind: 'ConfigMap', ...map(name) };
    quotas.check(kindNamed('ConfigMap'), { object });
    return store.put('ConfigMap', object);
  };
  await store.put('ResourceQuota', { apiVersion: 'v1', kind: 'ResourceQuota', ...limit(2) });
  await write('a');
  isFull = true;
  const lost = write('b');
  assert.throws(() => write('c'), refused);
  await assert.rejects(lost, { code: 'KUBE_UNAVAILABLE' });
  isFull = false;
  await write('c');
  assert.throws(() => write('d'), refused);
  await store.close();
});
