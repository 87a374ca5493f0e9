import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeInformers } from '@podwire/kube/testing';
import type { VirtualHost, VirtualPacket } from '@podwire/nft';
import { putService, putSlice, type ServiceOptions } from '../api-objects.fixture.ts';
import { VirtualNode } from '../suite/virtual-node.ts';
import { ADDRESS } from '../world.fixture.ts';
import { HANDED_OVER } from './direct-layout.ts';

const VIP = '198.51.100.7';
const DSR: ServiceOptions = { externalIPs: [VIP], annotations: { 'podwire.io/forwarding': 'dsr' } };

/** Two nodes of one service, each of which plans what it is told. */
function nodesWith(options: ServiceOptions = {}) {
  const informers = new FakeInformers();
  const [node, node2] = [new VirtualNode('node', informers), new VirtualNode('node2', informers)];
  const name = putService(informers, '10.96.0.1', { ...DSR, ...options });
  for (const one of [node, node2]) one.plan();
  return { informers, name, node, node2 };
}

const segment = (tcpFlags: readonly string[], more: Partial<VirtualPacket> = {}): VirtualPacket => ({
  ...{ saddr: ADDRESS.outside, sport: 40_000, daddr: VIP, dport: 80, protocol: 'tcp' },
  ...{ iifname: 'uplink', tcpFlags, ...more },
});
const datagram = (more: Partial<VirtualPacket> = {}): VirtualPacket => {
  const { tcpFlags: _, ...rest } = segment([], { protocol: 'udp', dport: 53, ...more });
  return rest;
};

/** What becomes of a packet: where it is handed over to, or whom it gets to and with which source. */
function fateOf(host: VirtualHost, packet: VirtualPacket): string {
  const { outcome, packet: last, steps, cannotTell } = host.receive(packet);
  assert.deepEqual(cannotTell, []);
  const [copy, ...more] = steps.flatMap(({ copies = [] }) => copies);
  if (!copy) return `${outcome} ${last.daddr} from ${last.saddr}`;
  const { daddr, saddr, dscp } = copy.packet;
  assert.deepEqual([more.length, outcome, daddr, saddr, dscp], [0, 'dropped', VIP, ADDRESS.outside, HANDED_OVER]);
  return `to ${copy.to}`;
}

/** Of the places of the table that draws: one of each node. */
function drawsOf(node: VirtualNode): { own: number; other: number } {
  const places = Array.from({ length: 251 }, (_, place) =>
    fateOf(
      node.host(() => place),
      datagram(),
    ),
  );
  const draws = {
    own: places.findIndex((fate) => !fate.startsWith('to ')),
    other: places.findIndex((fate) => fate.startsWith('to ')),
  };
  assert.ok(draws.own >= 0 && draws.other >= 0);
  return draws;
}

test('nodes have the same table, and shares as their endpoints', () => {
  const { node, node2 } = nodesWith();
  const tableOf = (one: VirtualNode) =>
    Array.from({ length: 251 }, (_, place) =>
      fateOf(
        one.host((n) => (n === 251 ? place : 0)),
        segment(['syn']),
      ),
    );
  const [mine, other] = [tableOf(node), tableOf(node2)];
  const others = mine.filter((fate) => fate === `to ${ADDRESS.node2}`).length;
  assert.ok(Math.abs(others - 251 / 3) < 1, `${others}`);
  const isMine = (fate: string) => fate.includes('10.244.1.');
  assert.ok(mine.every((fate, i) => isMine(fate) === (other[i] === `to ${ADDRESS.node}`)));
});

test('what is handed over is served where it gets to, by its own endpoints and as it came', () => {
  const { node2 } = nodesWith();
  const tagged = segment(['syn'], { dscp: HANDED_OVER, iifname: 'eth0' });
  assert.equal(
    fateOf(
      node2.host(() => 0),
      tagged,
    ),
    `delivered ${ADDRESS.far} from ${ADDRESS.outside}`,
  );
});

test('a node without endpoints serves what it is handed by those of others, and hands it to nobody', () => {
  const { node2 } = nodesWith({ backends: ['near1'] });
  const tagged = segment(['syn'], { dscp: HANDED_OVER, iifname: 'eth0' });
  assert.equal(
    fateOf(
      node2.host(() => 0),
      tagged,
    ),
    `forwarded ${ADDRESS.near1} from ${ADDRESS.node2}`,
  );
});

test('a connection stays with its node, a new one follows the table', () => {
  const { node } = nodesWith();
  const { own, other } = drawsOf(node);
  let place = other;
  const host = node.host((n) => (n === 251 ? place : 0));
  const to = `to ${ADDRESS.node2}`;
  assert.equal(fateOf(host, segment(['syn'])), to);
  place = own;
  assert.equal(fateOf(host, segment(['ack'])), to);
  assert.equal(fateOf(host, segment(['fin', 'ack'])), to);
  assert.equal(fateOf(host, segment(['ack'])), to);
  assert.equal(fateOf(host, segment(['syn'])), `forwarded ${ADDRESS.near1} from ${ADDRESS.outside}`);
  place = other;
  assert.equal(fateOf(host, segment(['syn'], { sport: 40_001 })), to);
  assert.equal(
    fateOf(host, segment(['syn'], { sport: 40_002, mark: 7 })),
    `forwarded ${ADDRESS.near1} from ${ADDRESS.outside}`,
  );
});

test('UDP stays while its node has endpoints; TCP also when it has none', () => {
  for (const [packet, stays] of [
    [datagram(), false],
    [segment(['ack']), true],
  ] as const) {
    const { informers, name, node } = nodesWith();
    const { own, other } = drawsOf(node);
    let place = other;
    const host = node.host((n) => (n === 251 ? place : 0));
    assert.equal(fateOf(host, packet), `to ${ADDRESS.node2}`);
    putSlice(informers, name, { backends: ['near1'] });
    node.plan();
    place = own;
    assert.equal(
      fateOf(host, packet),
      stays ? `to ${ADDRESS.node2}` : `forwarded ${ADDRESS.near1} from ${ADDRESS.outside}`,
    );
  }
});

test('pods are not handed over, nor are those outside the source ranges', () => {
  const { node } = nodesWith();
  const { other } = drawsOf(node);
  const pod = segment(['syn'], { saddr: ADDRESS.client, iifname: 'client' });
  assert.match(
    fateOf(
      node.host((n) => (n === 251 ? other : 0)),
      pod,
    ),
    /^forwarded 10\.244\.1\.5 from/,
  );
  const ranges = {
    type: 'LoadBalancer',
    externalIPs: [],
    ingress: [{ ip: VIP }],
    loadBalancerSourceRanges: ['192.0.2.0/24'],
  } as const;
  const { node: fenced } = nodesWith(ranges as unknown as ServiceOptions);
  assert.match(
    fateOf(
      fenced.host((n) => (n === 251 ? other : 0)),
      segment(['syn']),
    ),
    /^dropped/,
  );
});
