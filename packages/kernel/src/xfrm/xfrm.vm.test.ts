import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import test from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { IpAddress, Prefix } from '@podwire/base';
import { isErrno } from '../errors.ts';
import { fuzzDecoder } from '../fuzz.ts';
import { formatAttributes } from '../netlink/attribute-text.ts';
import { openNetlink } from '../netlink/netlink.ts';
import type { Netns } from '../netns/netns.ts';
import { untilLinkReady } from '../rtnetlink/link-ready.fixture.ts';
import { openPacketSocket } from '../socket/packet-socket.ts';
import { bindUdp } from '../socket/udp-socket.ts';
import { withNetns } from '../testing.ts';
import { createXfrmPolicy } from './xfrm-policy.ts';
import {
  createXfrmState,
  decodeXfrmState,
  deleteXfrmState,
  flushXfrmStates,
  getXfrmState,
  listXfrmStates,
  updateXfrmState,
  type XfrmStateSpec,
} from './xfrm-state.ts';
import { XFRM_MSG, xfrmAttributes } from './xfrm-table.ts';

const on = (netns: Netns, words: string) =>
  execFileSync('ip', ['-n', netns.name ?? '', ...words.split(' ')]).toString();
const [near, far] = ['192.0.2.1' as IpAddress, '192.0.2.2' as IpAddress];

const aead: XfrmStateSpec = {
  source: near,
  destination: far,
  spi: 0x1000,
  protocol: 'esp',
  mode: 'tunnel',
  reqid: 9,
  aead: { name: 'rfc4106(gcm(aes))', key: randomBytes(20), icvBits: 128 },
  esn: true,
  replayWindow: 128,
  mark: { value: 6, mask: 0xff },
  outputMark: { value: 8, mask: 0xf },
  interfaceId: 5,
  lifetime: { softBytes: 1000n, hardBytes: 2000n },
};
const pair: XfrmStateSpec = {
  source: 'fd00::1' as IpAddress,
  destination: 'fd00::2' as IpAddress,
  spi: 0x2000,
  protocol: 'esp',
  mode: 'transport',
  encryption: { name: 'cbc(aes)', key: randomBytes(32) },
  authentication: { name: 'hmac(sha256)', key: randomBytes(32), icvBits: 128 },
  replayWindow: 32,
  noPathMtuDiscovery: true,
};
const wrapped: XfrmStateSpec = {
  ...{ source: near, destination: far, spi: 0x3000, protocol: 'esp', mode: 'tunnel' },
  encryption: { name: 'cbc(aes)', key: randomBytes(16) },
  authentication: { name: 'hmac(sha1)', key: randomBytes(20), icvBits: 96 },
  encapsulation: { type: 'espinudp', sourcePort: 4500, destinationPort: 4501 },
};

const hex = (bytes: Uint8Array | undefined) => `0x${Buffer.from(bytes ?? []).toString('hex')}`;

test('states as ip shows them, and as they were said', async () => {
  await withNetns(1, (netns) => {
    const netlink = openNetlink('xfrm', netns);
    try {
      const states = [aead, pair, wrapped];
      for (const state of states) createXfrmState(netlink, state);
      const shown = on(netns, 'xfrm state').replaceAll(/\s+/g, ' ');
      for (const words of [
        `src 192.0.2.1 dst 192.0.2.2 proto esp spi 0x00001000 reqid 9 mode tunnel`,
        `mark 0x6/0xff output-mark 0x8/0xf aead rfc4106(gcm(aes)) ${hex(aead.aead?.key)} 128`,
        'if_id 0x5',
        'anti-replay esn context:',
        `auth-trunc hmac(sha256) ${hex(pair.authentication?.key)} 128 enc cbc(aes) ${hex(pair.encryption?.key)}`,
        'encap type espinudp sport 4500 dport 4501',
      ])
        assert.ok(shown.includes(words), `${words} in ${shown}`);
      for (const state of states) {
        assert.partialDeepStrictEqual(plain(getXfrmState(netlink, state)), plain(state));
        assert.partialDeepStrictEqual(
          plain(listXfrmStates(netlink).find(({ spi }) => spi === state.spi)),
          plain(state),
        );
      }
      updateXfrmState(netlink, { ...wrapped, lifetime: { hardBytes: 5000n } });
      assert.equal(getXfrmState(netlink, wrapped)?.lifetime?.hardBytes, 5000n);
      deleteXfrmState(netlink, wrapped);
      assert.equal(getXfrmState(netlink, wrapped), undefined);
      assert.throws(
        () => createXfrmState(netlink, pair),
        (error) => isErrno(error, 'EEXIST'),
      );
      const answers = netlink.dump({ type: XFRM_MSG.GETSA, flags: 0, body: Buffer.alloc(0) });
      fuzzDecoder(decodeXfrmState, { samples: answers.map(({ body }) => body), runs: 300 });
      flushXfrmStates(netlink);
      assert.deepEqual(listXfrmStates(netlink), []);
    } finally {
      netlink.close();
    }
  });
});

/** Bytes as text, so that Buffer and Uint8Array compare equal. */
function plain(value: unknown): unknown {
  const text = (_: string, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part);
  return JSON.parse(
    JSON.stringify(value ?? null, (key, part) => {
      const bytes = part?.type === 'Buffer' ? Buffer.from(part.data) : part;
      return bytes instanceof Uint8Array ? hex(bytes) : text(key, part);
    }),
  );
}

test('no key shows in what is printed or thrown', async () => {
  await withNetns(1, (netns) => {
    const netlink = openNetlink('xfrm', netns);
    const key = randomBytes(20);
    const [secret, other] = [key.toString('hex'), key.toString('base64')];
    const printed = formatAttributes(xfrmAttributes, {
      aead: { name: 'rfc4106(gcm(aes))', key, icvBits: 128 },
      encryption: { name: 'cbc(aes)', key },
    });
    assert.match(printed, /XFRMA_ALG_AEAD rfc4106\(gcm\(aes\)\) with a key of 160 bits/);
    assert.ok(!printed.includes(secret) && !printed.includes(other));
    for (const wrong of [
      { name: 'nosuch(aes)', key, icvBits: 128 },
      { name: 'x', key, icvBits: -1 },
    ])
      assert.throws(
        () => createXfrmState(netlink, { ...aead, aead: wrong }),
        (error: Error) => !error.message.includes(secret) && !JSON.stringify(error).includes(secret),
      );
    netlink.close();
  });
});

/*
 *   near 10.8.1.1 ═ v0 192.0.2.1 ──── v0 192.0.2.2 ═ 10.8.2.1 far
 */
test('a datagram between two namespaces is sealed on the wire', { timeout: 300_000 }, async () => {
  await withNetns(2, async (here, there) => {
    on(here, `link add v0 type veth peer name v0 netns ${there.name}`);
    const ends = [
      { netns: here, address: near, inside: '10.8.1.1', spi: 0x1001, key: randomBytes(20) },
      { netns: there, address: far, inside: '10.8.2.1', spi: 0x1002, key: randomBytes(20) },
    ] as const;
    for (const [i, end] of ends.entries()) {
      on(end.netns, `addr add ${end.address}/24 dev v0`);
      on(end.netns, `addr add ${end.inside}/32 dev lo`);
      on(end.netns, 'link set v0 up');
      on(end.netns, `route add ${ends[1 - i]?.inside} via ${ends[1 - i]?.address} src ${end.inside}`);
    }
    for (const { netns } of ends) {
      const netlink = openNetlink('xfrm', netns);
      for (const [i, from] of ends.entries()) {
        const to = ends[1 - i] ?? from;
        const out = from.netns === netns;
        const path = {
          source: from.address,
          destination: to.address,
          protocol: 'esp',
          mode: 'tunnel',
          reqid: 1,
        } as const;
        const cipher = { name: 'rfc4106(gcm(aes))', key: from.key, icvBits: 128 };
        createXfrmState(netlink, { ...path, spi: from.spi, aead: cipher, replayWindow: 32 });
        const selector = { source: `${from.inside}/32` as Prefix, destination: `${to.inside}/32` as Prefix };
        createXfrmPolicy(netlink, { selector, direction: out ? 'out' : 'in', templates: [path] });
      }
      netlink.close();
    }
    for (const { netns } of ends) await untilLinkReady(netns, 'v0');
    const protocols = new Set<number | undefined>();
    // only what leaves: what was unsealed shows on the link it came by a second time
    const onFrame = ({ bytes, direction }: { bytes: Buffer; direction: 'in' | 'out' }) => {
      if (direction === 'out' && bytes.readUInt16BE(12) === 0x0800) protocols.add(bytes[23]);
    };
    const wires = ends.map(({ netns }) => openPacketSocket({ netns, link: 'v0', onFrame }));
    const receiver = await bindUdp({ netns: there, address: '10.8.2.1', port: 4000 });
    const sender = await bindUdp({ netns: here, address: '10.8.1.1', port: 4000 });
    try {
      sender.send('sealed', 4000, '10.8.2.1');
      const [question] = await once(receiver, 'message');
      receiver.send('sealed too', 4000, '10.8.1.1');
      const [answer] = await once(sender, 'message');
      assert.deepEqual([String(question), String(answer)], ['sealed', 'sealed too']);
      for (let i = 0; i < 6000 && protocols.size === 0; i++) await setTimeout(20);
      assert.deepEqual([...protocols], [50]);
      const netlink = openNetlink('xfrm', here);
      assert.deepEqual(
        listXfrmStates(netlink).map(({ packets }) => packets),
        [1n, 1n],
      );
      netlink.close();
    } finally {
      for (const socket of [receiver, sender]) socket.close();
      for (const wire of wires) wire.close();
    }
  });
});
