import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ApiServer, startApiServer } from '@podwire/apiserver';
import { parsePrefix } from '@podwire/base';
import fc from 'fast-check';
import type { KubeClient } from '../client.ts';
import type { Timeouts } from '../connection/endpoint.ts';
import { createKubeClient } from '../http-client.ts';
import type { ConfigMap } from '../kinds.ts';
import { FAULTS, type Fault, FaultProxy } from './fault-proxy.fixture.ts';
import { createInformers, type Informer, type InformersOptions } from './informers.ts';
import type { StoreEvent } from './object-store.ts';

/** Shorter than anyone would want them, so that what hangs is found soon; a loss found too early does no harm. */
const TIMEOUTS = { connect: 5000, request: 1500, pingInterval: 100, pingTimeout: 1000, watchSilence: 3000 };
const OPTIONS: InformersOptions = { backoff: [1, 50], pageSize: 2, patience: 1000 };
const DEADLINE = 60_000;
const NAMES = ['a', 'b', 'c', 'd', 'e', 'f'];

const directory = mkdtempSync(path.join(tmpdir(), 'podwire-faults-'));
let server: ApiServer;
let writer: KubeClient;

before(async () => {
  server = await startApiServer({ serviceCidrs: [parsePrefix('10.96.0.0/12')], nodePortRange: [30000, 32767] });
  await server.listenUnix(path.join(directory, 'api'));
  writer = server.client();
});
after(async () => {
  await server.close();
  rmSync(directory, { recursive: true, force: true });
});

interface World {
  readonly proxy: FaultProxy;
  readonly informer: Informer<'ConfigMap'>;
  readonly events: StoreEvent<ConfigMap>[];
}

/** A client behind a proxy of its own that watches the ConfigMaps of namespace default. */
async function behindProxy(
  act: (world: World) => Promise<void>,
  { fault, timeouts = TIMEOUTS }: { fault?: FaultProxy['fault']; timeouts?: Partial<Timeouts> } = {},
): Promise<void> {
  const own = mkdtempSync(path.join(directory, 'run-'));
  const proxy = new FaultProxy(own, path.join(directory, 'api'));
  proxy.fault = fault;
  await proxy.listen();
  const client = createKubeClient({ socketPath: proxy.socketPath, timeouts });
  const informers = createInformers(client, OPTIONS);
  const informer = informers.of('ConfigMap', { namespace: 'default' });
  const events: StoreEvent<ConfigMap>[] = [];
  informer.subscribe((event) => void events.push(event));
  try {
    await act({ proxy, informer, events });
  } finally {
    informers.stop();
    client.close();
    proxy.close();
  }
}

async function until(what: string, condition: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + DEADLINE; !(await condition()); await sleep(10))
    assert.ok(Date.now() < end, `not within ${DEADLINE / 1000} s: ${what}`);
}

const revisions = (objects: readonly ConfigMap[]): string[] =>
  objects.map(({ metadata }) => `${metadata?.name} ${metadata?.uid} ${metadata?.resourceVersion}`).sort();

const present = async (): Promise<ConfigMap[]> => (await writer.list('ConfigMap', { namespace: 'default' })).items;

async function inStep({ informer }: World): Promise<void> {
  await informer.synced;
  const all = async () => revisions(await present()).join() === revisions(informer.list()).join();
  await until('the store is equal to the list of the server', all);
}

/** Creates the object, changes it, or deletes it. */
async function write(name: string, deletes: boolean): Promise<void> {
  const key = { namespace: 'default', name };
  if (deletes) return void (await writer.delete('ConfigMap', key));
  const data = { at: String(Math.random()), padding: 'x'.repeat(200) };
  if (await writer.get('ConfigMap', key)) await writer.patch('ConfigMap', key, { data });
  else await writer.create('ConfigMap', { metadata: key, data });
}

/** Throws for what no client may ever be told. */
function assertPossible(events: readonly StoreEvent<ConfigMap>[]): void {
  const known = new Map<string, ConfigMap>();
  for (const { type, object } of events) {
    const { name = '', uid, resourceVersion } = object.metadata ?? {};
    const before = known.get(name)?.metadata;
    if (type === 'added') assert.equal(before, undefined, `${name} was added twice`);
    else assert.ok(before, `${name} was ${type} before it was added`);
    if (type === 'modified') {
      assert.equal(before?.uid, uid, `${name} became another object without a deletion`);
      assert.ok(Number(resourceVersion) > Number(before?.resourceVersion), `${name} went back to an older revision`);
    }
    if (type === 'deleted') known.delete(name);
    else known.set(name, object);
  }
}

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ name: fc.constantFrom(...NAMES), deletes: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ faults: fc.array(fc.constantFrom(...FAULTS), { minLength: 1, maxLength: 4 }) }) },
  { weight: 1, arbitrary: fc.record({ connection: fc.constantFrom('freeze', 'cut', 'wait') }) },
);

test('whatever the network and the servers do: once they heal the store is that of the server, and no event was impossible', async () => {
  const runs = fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 14 }), async (steps) => {
    await behindProxy(async (world) => {
      const { proxy, events } = world;
      for (const one of steps) {
        if ('name' in one) await write(one.name, one.deletes);
        else if ('faults' in one) {
          let at = 0;
          proxy.fault = () => one.faults[at++ % one.faults.length] as Fault;
          proxy.cut();
        } else if (one.connection === 'wait') await sleep(20);
        else proxy[one.connection as 'cut' | 'freeze']();
      }
      await write('last', false);
      proxy.heal();
      await inStep(world);
      assertPossible(events);
    });
  });
  await fc.assert(runs, { numRuns: 12, endOnFailure: true, interruptAfterTimeLimit: 60_000 });
});

test('each fault for itself, at every request until it heals', async () => {
  await Promise.all(NAMES.map((name) => write(name, false)));
  await Promise.all(
    FAULTS.map((fault) =>
      behindProxy(
        async (world) => {
          await until('something was asked', () => world.proxy.asked.length > 2 || world.informer.hasSynced);
          world.proxy.heal();
          if (fault === 'mute') world.proxy.cut();
          await inStep(world);
          assertPossible(world.events);
        },
        { fault: () => fault },
      ),
    ),
  );
});

test('a list whose revision expires between two pages is made anew, at once', async () => {
  await Promise.all(NAMES.map((name) => write(name, false)));
  const old = ({ url }: { url: string }): Fault =>
    url.includes('sendInitialEvents') ? 'no streamed lists' : url.includes('continue=') ? '410' : 'none';
  await behindProxy(
    async (world) => {
      await inStep(world);
      const lists = world.proxy.asked.filter((url) => !url.includes('watch=1'));
      assert.deepEqual(
        lists.map((url) => [url.includes('limit=2'), url.includes('continue=')]),
        [
          [true, false],
          [true, true],
          [false, false],
        ],
      );
    },
    { fault: old, timeouts: {} },
  );
});

test('a peer that is gone without a word is found by its silence', async () => {
  await behindProxy(async (world) => {
    await inStep(world);
    const { connections } = world.proxy;
    world.proxy.freeze();
    await write('a', false);
    await inStep(world);
    assert.ok(world.proxy.connections > connections);
    assertPossible(world.events);
  });
});

test('all watches and requests of a client share one connection', async () => {
  await behindProxy(
    async ({ proxy, informer }) => {
      const client = createKubeClient({ socketPath: proxy.socketPath });
      const informers = createInformers(client);
      await informer.synced;
      const before = proxy.connections;
      await Promise.all((['Pod', 'Service', 'Node', 'Secret'] as const).map((kind) => informers.of(kind).synced));
      assert.equal(proxy.connections, before + 1);
      informers.stop();
      client.close();
    },
    { timeouts: {} },
  );
});
