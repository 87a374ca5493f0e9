import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';
import { silentLogger } from '@podwire/base';
import { bindUdp, connectTcp, type Netns } from '@podwire/kernel';
import { withNetns } from '@podwire/kernel/testing';
import {
  type Informer,
  type Informers,
  type KindName,
  type KubeClient,
  parseClusterConfig,
  type StoreEvent,
} from '@podwire/kube';
import { openNet } from '@podwire/net';
import { createDnsRoom } from './controller.ts';
import { decodeMessage } from './decode.ts';
import { encodeQuery } from './encode.ts';
import type { Message } from './message.ts';
import { TYPE } from './numbers.ts';
import { frame } from './tcp-frames.ts';

type AnyEvent = StoreEvent<never>;

/** Informers whose objects the test puts in by hand. */
class TestInformers implements Informers {
  readonly #objects = new Map<KindName, unknown[]>();
  readonly #listeners = new Map<KindName, Set<(event: AnyEvent) => void>>();

  put(kind: KindName, object: unknown): void {
    this.#objects.set(kind, [...(this.#objects.get(kind) ?? []), object]);
    for (const listener of this.#listeners.get(kind) ?? []) listener({ type: 'added', object: object as never });
  }

  of<K extends KindName>(kind: K): Informer<K> {
    const list = () => (this.#objects.get(kind) ?? []) as never[];
    return {
      kind,
      synced: Promise.resolve(),
      settled: Promise.resolve(),
      hasSynced: true,
      list,
      get: () => undefined,
      subscribe: (listener) => {
        const listeners = this.#listeners.get(kind) ?? new Set();
        this.#listeners.set(kind, listeners.add(listener as (event: AnyEvent) => void));
        for (const object of list()) listener({ type: 'added', object });
        return () => void listeners.delete(listener as (event: AnyEvent) => void);
      },
    };
  }

  stop(): void {}
}

function contextOf(netns: Netns, informers: Informers) {
  return {
    nodeName: 'node-1',
    config: parseClusterConfig({ upstreamResolvers: ['127.0.0.53'] }),
    client: {} as KubeClient, // the room reads informers only
    informers,
    logger: silentLogger,
    runDirectory: '/nonexistent',
    stateDirectory: '/nonexistent',
    netns,
  };
}

async function askUdp(netns: Netns, address: string, name: string): Promise<Message> {
  const socket = await bindUdp({ netns, address: '0.0.0.0', port: 0 });
  try {
    socket.send(encodeQuery(name, TYPE.A, { id: 1 }), 53, address);
    const [packet] = (await once(socket, 'message', { signal: AbortSignal.timeout(30_000) })) as [Buffer];
    return decodeMessage(packet);
  } finally {
    socket.close();
  }
}

const service = (name: string, ip: string) => ({
  metadata: { name, namespace: 'default' },
  spec: { clusterIPs: [ip] },
});
const addressOf = (message: Message) => message.answers.map((r) => (r.data.kind === 'address' ? r.data.address : '?'));

test('the room answers on both addresses of lo, repairs drift, and cleans up', async () => {
  await withNetns(1, async (netns) => {
    const informers = new TestInformers();
    informers.put('Service', service('web', '10.96.1.1'));
    const net = openNet(netns);
    const room = createDnsRoom(contextOf(netns, informers));
    try {
      assert.equal(room.status().ready, false);
      await room.start();
      assert.deepEqual([room.status().ready, room.status().errors], [true, []]);
      assert.deepEqual(await room.diff(), []);
      const own = () => net.addresses('lo').filter((a) => a.address !== '127.0.0.1' && a.address !== '::1');
      assert.deepEqual(
        own()
          .map((a) => [a.address, a.prefixLength, a.scope])
          .sort(),
        [
          ['10.96.0.10', 32, 'host'],
          ['169.254.20.10', 32, 'host'],
        ],
      );
      for (const address of ['10.96.0.10', '169.254.20.10']) {
        assert.deepEqual(addressOf(await askUdp(netns, address, 'web.default.svc.cluster.local')), ['10.96.1.1']);
      }
      const tcp = await connectTcp({ netns, address: '10.96.0.10', port: 53, timeout: 30_000 });
      tcp.write(frame(encodeQuery('web.default.svc.cluster.local', TYPE.A, { id: 2 })));
      const [chunk] = (await once(tcp, 'data')) as [Buffer];
      tcp.destroy();
      assert.deepEqual(addressOf(decodeMessage(chunk.subarray(2))), ['10.96.1.1']);

      informers.put('Service', service('late', '10.96.1.2'));
      assert.deepEqual(addressOf(await askUdp(netns, '10.96.0.10', 'late.default.svc.cluster.local')), ['10.96.1.2']);
      assert.ok(
        room
          .plan()
          .some((e) => e.what === 'late.default.svc.cluster.local A 10.96.1.2' && e.why === 'Service default/late'),
      );

      const spec = { type: 'ClusterSetIP', ips: ['10.96.7.7'], ports: [{ port: 80 }] } as const;
      informers.put('ServiceImport', {
        ...service('far', ''),
        spec: { ...spec, ips: [...spec.ips], ports: [...spec.ports] },
      });
      assert.deepEqual(addressOf(await askUdp(netns, '10.96.0.10', 'far.default.svc.clusterset.local')), ['10.96.7.7']);
      assert.ok(room.plan().some(({ why }) => why === 'ServiceImport default/far'));

      for (const address of own()) net.deleteAddress(address);
      assert.equal((await room.diff()).length, 2);
      assert.equal((await room.resync()).kind, 'done');
      assert.deepEqual(await room.diff(), []);
      assert.equal((await askUdp(netns, '10.96.0.10', 'web.default.svc.cluster.local')).answers.length, 1);

      await room.stop();
      assert.equal(own().length, 2, 'stop leaves the kernel as it is');
      await room.cleanup();
      assert.equal(own().length, 0);
    } finally {
      await room.stop();
      net.close();
    }
  });
});

test('a port that is taken is a status, and the room takes it when it is free', async () => {
  await withNetns(1, async (netns) => {
    const taken = await bindUdp({ netns, address: '0.0.0.0', port: 53 });
    const room = createDnsRoom(contextOf(netns, new TestInformers()));
    try {
      await room.start();
      assert.match(room.status().errors[0] ?? '', /cannot listen on 10\.96\.0\.10 port 53\/udp: .*EADDRINUSE/);
      assert.equal(room.status().ready, false);
      taken.close();
      const deadline = Date.now() + 60_000;
      while (!room.status().ready && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
      assert.deepEqual(room.status().errors, []);
      assert.equal(room.status().ready, true);
    } finally {
      await room.stop();
    }
  });
});
