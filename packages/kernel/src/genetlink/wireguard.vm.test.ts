import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import test from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { IpAddress, Prefix } from '@podwire/base';
import { isErrno } from '../errors.ts';
import { fuzzDecoder } from '../fuzz.ts';
import { formatAttributes } from '../netlink/attribute-text.ts';
import { type Netlink, openNetlink } from '../netlink/netlink.ts';
import type { Netns } from '../netns/netns.ts';
import { openPacketSocket } from '../socket/packet-socket.ts';
import { bindUdp } from '../socket/udp-socket.ts';
import { withNetns } from '../testing.ts';
import { decodeGeneric, openGenericFamily } from './generic-family.ts';
import { getWireguard, mergeWireguard, setWireguard } from './wireguard.ts';
import { WG_CMD, wireguardAttributes } from './wireguard-table.ts';

const on = (netns: Netns, words: string) => execFileSync('ip', ['-n', netns.name ?? '', ...words.split(' ')]);
const wg = (netns: Netns, ...args: string[]) => netns.run(() => execFileSync('wg', args).toString().trim());
const privateKey = () => execFileSync('wg', ['genkey']).toString().trim();
const publicKey = (key: string) =>
  execFileSync('wg', ['pubkey'], { input: `${key}\n` })
    .toString()
    .trim();

async function withWireguard(
  count: number,
  fn: (ends: { netns: Netns; netlink: Netlink<'generic'> }[]) => unknown,
): Promise<void> {
  await withNetns(count, async (...namespaces) => {
    const ends = namespaces.map((netns) => {
      on(netns, 'link add wg0 type wireguard');
      return { netns, netlink: openNetlink('generic', netns) };
    });
    try {
      await fn(ends);
    } finally {
      for (const { netlink } of ends) netlink.close();
    }
  });
}

test('a link as wg shows it, and as it was said', async () => {
  await withWireguard(1, ([end]) => {
    assert.ok(end);
    const { netns, netlink } = end;
    const [mine, theirs, shared] = [privateKey(), publicKey(privateKey()), privateKey()];
    const allowedIps = ['10.0.0.0/24', 'fd00::/64', '0.0.0.0/0'] as Prefix[];
    const endpoint = { address: 'fd01::1' as IpAddress, port: 51820 };
    const peer = { publicKey: theirs, presharedKey: shared, endpoint, keepalive: 25, allowedIps };
    setWireguard(netlink, 'wg0', { privateKey: mine, listenPort: 5555, fwmark: 66, peers: [peer] });
    const [device, line] = wg(netns, 'show', 'wg0', 'dump').split('\n');
    assert.deepEqual(device?.split('\t'), [mine, publicKey(mine), '5555', '0x42']);
    assert.deepEqual(line?.split('\t').slice(0, 3), [theirs, shared, '[fd01::1]:51820']);
    assert.deepEqual(new Set(line?.split('\t')[3]?.split(',')), new Set(allowedIps));
    const read = getWireguard(netlink, 'wg0');
    assert.partialDeepStrictEqual(read, {
      name: 'wg0',
      privateKey: mine,
      publicKey: publicKey(mine),
      listenPort: 5555,
      fwmark: 66,
    });
    const [one] = read.peers;
    assert.deepEqual(new Set(one?.allowedIps), new Set(allowedIps));
    assert.partialDeepStrictEqual(one, { ...peer, allowedIps: one?.allowedIps, received: 0n });
    assert.equal(one?.lastHandshake, undefined);
    setWireguard(netlink, 'wg0', {
      peers: [{ publicKey: theirs, replaceAllowedIps: true, allowedIps: ['10.9.0.0/16' as Prefix] }],
    });
    assert.deepEqual(getWireguard(netlink, 'wg0').peers[0]?.allowedIps, ['10.9.0.0/16']);
    setWireguard(netlink, 'wg0', { peers: [{ publicKey: theirs, remove: true }] });
    assert.deepEqual(getWireguard(netlink, 'wg0').peers, []);
    assert.throws(
      () => getWireguard(netlink, 'nosuch'),
      (error) => isErrno(error, 'ENODEV'),
    );
    const damaged = mine.slice(0, 20);
    assert.throws(
      () => setWireguard(netlink, 'wg0', { privateKey: damaged }),
      (error: Error) => /private key/.test(error.message) && !error.message.includes(damaged),
    );
    assert.ok(!formatAttributes(wireguardAttributes, { privateKey: mine }).includes(mine));
  });
});

test('many peers and many allowed IPs of one peer go over several messages and come back whole', async () => {
  await withWireguard(1, ([end]) => {
    assert.ok(end);
    const { netlink } = end;
    const keys = Array.from({ length: 400 }, (_, i) =>
      Buffer.alloc(32, i)
        .fill(i >> 8, 0, 1)
        .toString('base64'),
    );
    const many = Array.from({ length: 3000 }, (_, i) => `10.${100 + (i >> 8)}.${i & 255}.0/24` as Prefix);
    const peers = keys.map((publicKey, i) => {
      return { publicKey, allowedIps: i === 7 ? many : [`10.1.${i >> 8}.${i & 255}/32` as Prefix] };
    });
    setWireguard(netlink, 'wg0', { replacePeers: true, peers });
    const read = new Map(getWireguard(netlink, 'wg0').peers.map((peer) => [peer.publicKey, peer]));
    assert.equal(read.size, new Set(keys).size);
    assert.deepEqual(new Set(read.get(keys[7] ?? '')?.allowedIps), new Set(many));
    const family = openGenericFamily(netlink, 'wireguard');
    const values = { name: 'wg0' };
    const request = { command: WG_CMD.GET_DEVICE, table: wireguardAttributes, values, op: 'sample' };
    const bodies = netlink.dump(family.message(request)).map(({ body }) => body);
    assert.ok(bodies.length > 1, `${bodies.length} messages`);
    const samples = bodies.map((body) => body.subarray(0, 600));
    fuzzDecoder((bytes) => mergeWireguard([decodeGeneric(bytes, wireguardAttributes)]), { samples, runs: 300 });
    setWireguard(netlink, 'wg0', { replacePeers: true });
    assert.deepEqual(getWireguard(netlink, 'wg0').peers, []);
  });
});

/*
 *   near wg0 10.8.0.1 ═══ v0 10.7.0.1 ──── v0 10.7.0.2 ═══ wg0 10.8.0.2 far
 */
test('a datagram goes through the tunnel, and nothing but it is on the wire', { timeout: 300_000 }, async () => {
  await withWireguard(2, async ([near, far]) => {
    assert.ok(near && far);
    on(near.netns, `link add v0 type veth peer name v0 netns ${far.netns.name}`);
    const ends = [near, far].map((end, i) => ({ ...end, key: privateKey(), n: i + 1 }));
    for (const { netns, netlink, key, n } of ends) {
      on(netns, `addr add 10.7.0.${n}/24 dev v0`);
      on(netns, `addr add 10.8.0.${n}/24 dev wg0`);
      const other = ends.find((end) => end.n !== n);
      const endpoint = { address: `10.7.0.${3 - n}` as IpAddress, port: 51820 };
      const peer = { publicKey: publicKey(other?.key ?? ''), endpoint, allowedIps: [`10.8.0.${3 - n}/32` as Prefix] };
      setWireguard(netlink, 'wg0', { privateKey: key, listenPort: 51820, peers: [peer] });
      for (const link of ['v0', 'wg0']) on(netns, `link set ${link} up`);
    }
    const ports = new Set<number>();
    const onFrame = ({ bytes }: { bytes: Buffer }) => {
      if (bytes.readUInt16BE(12) === 0x0800) ports.add(bytes[23] === 17 ? bytes.readUInt16BE(36) : -1);
    };
    const wire = openPacketSocket({ netns: near.netns, link: 'v0', onFrame });
    const receiver = await bindUdp({ netns: far.netns, address: '10.8.0.2', port: 4000 });
    const sender = await bindUdp({ netns: near.netns, address: '10.8.0.1', port: 4000 });
    sender.send('through the tunnel', 4000, '10.8.0.2');
    const [message, from] = await once(receiver, 'message');
    assert.deepEqual([String(message), from.address], ['through the tunnel', '10.8.0.1']);
    for (let i = 0; i < 6000 && ports.size === 0; i++) await setTimeout(20);
    for (const socket of [receiver, sender]) socket.close();
    wire.close();
    assert.ok(ports.size > 0 && [...ports].every((port) => port === 51820), `on the wire: UDP to ${[...ports]}`);
    const [peer] = getWireguard(near.netlink, 'wg0').peers;
    assert.ok(peer && peer.received > 0n && peer.sent > 0n);
    assert.ok(peer.lastHandshake && Math.abs(Date.now() - peer.lastHandshake.getTime()) < 300_000);
  });
});
