import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type IpAddress, silentLogger, tryParseIp } from '@podwire/base';
import type { Netns } from '@podwire/kernel';
import type { Event, KubeClient, NetworkPolicy, Pod, RoomContext } from '@podwire/kube';
import { parseClusterConfig } from '@podwire/kube';
import { openNft } from '@podwire/nft';
import { createPolicyRoom } from './controller.ts';
import { FakeInformers } from './fake-informers.fixture.ts';
import { CASES, type Case, readCase } from './fixture.ts';
import { withNode } from './network.fixture.ts';
import { TABLE_NAME } from './plan.ts';

/** The same cluster with every pod on one node: what is allowed does not depend on where pods run. */
function onOneNode({ snapshot }: Case): Case['snapshot'] {
  const pods = snapshot.pods.map(
    (pod): Pod => (pod.spec ? { ...pod, spec: { ...pod.spec, nodeName: 'node-1' } } : pod),
  );
  return { ...snapshot, pods };
}

function contextOf(
  informers: FakeInformers,
  netns: Netns,
  client: Partial<KubeClient> = {},
): RoomContext & { netns: Netns } {
  return {
    nodeName: 'node-1',
    config: parseClusterConfig({}),
    client: client as KubeClient,
    informers,
    logger: silentLogger,
    runDirectory: '/nonexistent',
    stateDirectory: '/nonexistent',
    netns,
  };
}

function informersOf(snapshot: Case['snapshot']): FakeInformers {
  const informers = new FakeInformers();
  informers.put('Namespace', ...snapshot.namespaces);
  informers.put('Pod', ...snapshot.pods);
  informers.put('NetworkPolicy', ...snapshot.policies);
  return informers;
}

const addressesOf = (pods: readonly Pod[]): IpAddress[] =>
  pods.flatMap((pod) => (pod.spec?.hostNetwork ? [] : (tryParseIp(pod.status?.podIP ?? '') ?? [])));

/** In testdata an address that no host has. */
const NOBODY = '10.100.0.1';

for (const name of CASES) {
  test(`real packets: ${name}`, () => {
    const one = readCase(name);
    const snapshot = onOneNode(one);
    // addresses without a namespace of their own cannot send; Node has sockets for TCP and UDP only
    const senders = new Set([...addressesOf(snapshot.pods), '203.0.113.10' as IpAddress]);
    const packets = one.packets.filter(
      ({ source, destination, protocol }) =>
        senders.has(source) && ['tcp', 'udp'].includes(protocol) && source !== destination,
    );
    assert.ok(packets.length > 0);
    return withNode(addressesOf(snapshot.pods), async (network) => {
      const isSomebody = ({ destination }: (typeof packets)[number]) => destination !== NOBODY;
      const before = await Promise.all(packets.map((packet) => network.send(packet, isSomebody(packet))));
      for (const [i, packet] of packets.entries()) {
        assert.equal(before[i], isSomebody(packet), `without policies everything passes: ${packet.text}`);
      }
      const room = createPolicyRoom(contextOf(informersOf(snapshot), network.node));
      await room.start();
      const passed = await Promise.all(packets.map((packet) => network.send(packet, packet.allowed)));
      for (const [i, packet] of packets.entries()) assert.equal(passed[i], packet.allowed, packet.text);
      assert.deepEqual(await room.diff(), []);
      await room.cleanup();
    });
  });
}

const records = '10.244.1.10' as IpAddress;
const reception = '10.244.1.11' as IpAddress;
const web = { source: reception, destination: records, protocol: 'tcp', port: 8080 } as const;

test('changes take effect in any order without a restart, and the node always reaches its pods', () => {
  const snapshot = onOneNode(readCase('clinic'));
  return withNode([records, reception], async (network) => {
    const informers = informersOf({ ...snapshot, policies: [] });
    const room = createPolicyRoom(contextOf(informers, network.node));
    await room.start();
    const check = async (allowed: boolean, why: string) => {
      await room.idle();
      assert.equal(await network.send(web, allowed), allowed, why);
    };
    await check(true, 'no policy');
    const [closed, allow] = snapshot.policies as [NetworkPolicy, NetworkPolicy];
    informers.put('NetworkPolicy', closed);
    await check(false, 'default deny');
    assert.ok(await network.send({ ...web, source: '10.96.0.10' as IpAddress }, true), 'the node itself');
    informers.put('NetworkPolicy', ...snapshot.policies);
    await check(true, 'allowed by a second policy');
    const pod = snapshot.pods.find(({ metadata }) => metadata?.name === 'reception');
    assert.ok(pod?.metadata);
    informers.put('Pod', { ...pod, metadata: { ...pod.metadata, labels: { app: 'stranger' } } });
    await check(false, 'the peer lost its label');
    informers.put('Pod', pod);
    await check(true, 'and got it back');
    informers.remove('NetworkPolicy', allow);
    await check(false, 'the allowing policy is gone');
    await room.cleanup();
    assert.ok(await network.send(web, true), 'nothing is left');
    assert.equal(
      execFileSync('ip', ['netns', 'exec', String(network.node.name), 'nft', 'list', 'ruleset']).toString(),
      '',
    );
  });
});

test('a restarted room changes nothing, a disturbed table is mended, nft can list and load it', () =>
  withNode([records], async ({ node }) => {
    const informers = informersOf(onOneNode(readCase('clinic')));
    const first = createPolicyRoom(contextOf(informers, node));
    await first.start();
    const commands = Number(first.status().facts.commands);
    assert.ok(commands > 0 && first.status().ready);
    await first.stop();
    const second = createPolicyRoom(contextOf(informers, node));
    await second.start();
    assert.equal(second.status().facts.commands, 0);
    const nft = (...args: string[]) =>
      execFileSync('ip', ['netns', 'exec', String(node.name), 'nft', ...args]).toString();
    nft('flush', 'chain', 'ip', TABLE_NAME, 'forward');
    assert.ok((await second.diff()).length > 0);
    assert.deepEqual(await second.resync(), { kind: 'done' });
    assert.deepEqual(await second.diff(), []);
    const listing = nft('list', 'ruleset');
    nft('flush', 'ruleset');
    execFileSync('ip', ['netns', 'exec', String(node.name), 'nft', '-f', '-'], { input: listing });
    assert.deepEqual(await second.diff(), []);
    await second.cleanup();
  }));

/** Far below the minute after which everything is looked at anyway. */
const DEADLINE = 120_000;

test('what others flush is in force again within seconds, and told', { timeout: 600_000 }, () =>
  withNode([records, reception], async (network) => {
    const snapshot = onOneNode(readCase('clinic'));
    const informers = informersOf({ ...snapshot, policies: snapshot.policies.slice(0, 1) });
    const events: Event[] = [];
    const client: Partial<KubeClient> = {
      get: async () => undefined,
      create: (async (_kind: 'Event', event: Event) => events.push(event)) as unknown as KubeClient['create'],
    };
    const room = createPolicyRoom(contextOf(informers, network.node, client));
    const nft = (...args: string[]) => execFileSync('ip', ['netns', 'exec', String(network.node.name), 'nft', ...args]);
    await room.start();
    try {
      assert.equal(await network.send(web, false), false, 'default deny');
      informers.put('NetworkPolicy', ...snapshot.policies);
      await room.idle();
      assert.equal(await network.send(web, true), true, 'allowed by a second policy');
      const [, allow] = snapshot.policies as [NetworkPolicy, NetworkPolicy];
      informers.remove('NetworkPolicy', allow);
      await room.idle();
      assert.deepEqual([room.status().facts.repairs, events], [0, []], 'its own changes are no repairs');
      nft('flush', 'table', 'ip', TABLE_NAME);
      const end = performance.now() + DEADLINE;
      while (room.status().facts.repairs === 0 && performance.now() < end) await sleep(20);
      assert.equal(await network.send(web, false), false, 'default deny again');
      assert.deepEqual(await room.diff(), []);
      assert.equal(room.status().facts.repairs, 1);
      assert.deepEqual(
        events.map(({ reason, type, involvedObject }) => [reason, type, involvedObject.kind, involvedObject.name]),
        [['PolicyRepaired', 'Warning', 'Node', 'node-1']],
      );
    } finally {
      await room.cleanup();
    }
  }),
);

test('a pod is isolated before its status tells its address, also when the watch does not know it yet', () => {
  const snapshot = onOneNode(readCase('clinic'));
  const isRecords = ({ metadata }: Pod) => metadata?.name === 'records';
  const young = snapshot.pods.filter(isRecords).map((pod): Pod => ({ ...pod, status: { phase: 'Pending' } }));
  const others = snapshot.pods.filter((pod) => !isRecords(pod));
  return withNode([records, reception], async ({ node }) => {
    const informers = informersOf({ ...snapshot, pods: others });
    const client: Partial<KubeClient> = { get: (async () => young[0]) as KubeClient['get'] };
    const room = createPolicyRoom(contextOf(informers, node, client));
    const pod = { namespace: 'clinic', name: 'records', address: records };
    await assert.rejects(room.ensurePod(pod), { code: 'POLICY_NOT_READY' });
    await room.start();
    const nft = openNft(node);
    const isolated = () =>
      nft
        .observe('ip', TABLE_NAME)
        ?.sets.find((set) => set.name === 'ingress-pods')
        ?.elements.map(({ key }) => key[0]) ?? [];
    assert.ok(!isolated().includes(records));
    await room.ensurePod(pod);
    assert.ok(isolated().includes(records));
    const [object] = young as [Pod];
    informers.put('Pod', object);
    await room.idle();
    assert.ok(isolated().includes(records), 'the watch brought the pod, still without an address');
    informers.remove('Pod', object);
    await room.idle();
    assert.ok(!isolated().includes(records));
    informers.put('Pod', object);
    await room.idle();
    assert.ok(!isolated().includes(records), 'the next pod of that name has no address yet');
    nft.close();
    await room.cleanup();
  });
});
