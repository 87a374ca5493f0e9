import assert from 'node:assert/strict';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { EncodeError, isErrno } from '../errors.ts';
import { fuzzDecoder } from '../fuzz.ts';
import { libc } from '../libc.ts';
import { openNetlink } from '../netlink/netlink.ts';
import { readMessages } from '../netlink/netlink-message.ts';
import { receiveDatagram } from '../netlink/netlink-socket.ts';
import type { Netns } from '../netns/netns.ts';
import { lacking } from '../probe/lacking.fixture.ts';
import { openDatagramSocket } from '../socket/datagram-socket.ts';
import { withNetns } from '../testing.ts';
import { inNamespace } from './conntrack-world.fixture.ts';
import { bindLogFamily, bindLogGroup, type LogOptions, subscribeLog, unbindLogFamily } from './log.ts';
import { decodeLogPacket, type LogPacket } from './log-packet.ts';

const skip = lacking('nf-log');
const LO = 1;
const RULES = `
table inet t {
  chain o { type filter hook output priority 0; meta mark set 7; udp dport 53 log prefix "x" group 5; }
  chain i { type filter hook input priority 0; udp dport 53 log prefix "came in" group 5 snaplen 30; }
}
table netdev d { chain i { type filter hook ingress device lo priority 0; udp dport 53 log group 5; }; }
`;

function send(netns: Netns, ...payloads: readonly string[]): void {
  const socket = openDatagramSocket({ netns, address: '127.0.0.1', port: 0 });
  for (const payload of payloads) socket.sendTo(Buffer.from(payload), '127.0.0.1', 53);
  socket.close();
}

async function until(condition: () => boolean): Promise<void> {
  for (let waited = 0; !condition(); waited += 5) {
    assert.ok(waited < 120_000, 'waited in vain');
    await sleep(5);
  }
}

async function packetsOf(netns: Netns, options: Partial<LogOptions>, count: number): Promise<LogPacket[]> {
  const packets: LogPacket[] = [];
  const onPackets = (some: readonly LogPacket[]) => packets.push(...some);
  const watch = subscribeLog({ netns, group: 5, onPackets, onLost: () => assert.fail('lost'), ...options });
  try {
    send(netns, 'hello');
    await until(() => packets.length >= count);
  } finally {
    watch.stop();
  }
  return packets;
}

test('packets that rules log come with prefix, links, mark, owner and payload', { skip }, () =>
  withNetns(1, async (netns) => {
    inNamespace(netns, 'nft -f -', RULES);
    const packets = await packetsOf(netns, { threshold: 1, sequence: true, globalSequence: true }, 3);
    assert.deepEqual(
      packets.map(({ group, family, hook, prefix, sequence }) => [group, family, hook, prefix, sequence]),
      [
        [5, 'ip', 'output', 'x', 0],
        [5, 'netdev', 'ingress', '', 1],
        [5, 'ip', 'input', 'came in', 2],
      ],
    );
    const [out, , come] = packets;
    assert.partialDeepStrictEqual(out, { protocol: 0x0800, mark: 7, outLink: LO, uid: 0, gid: 0 });
    assert.equal(out?.inLink, undefined);
    assert.equal(out?.payload?.length, 33);
    assert.equal(out?.payload?.toString('latin1', 28), 'hello');
    assert.partialDeepStrictEqual(come, { inLink: LO, hardwareType: 772, hardwareAddress: '00:00:00:00:00:00' });
    assert.equal(come?.payload?.length, 30, 'the rule says less than the subscription');
    assert.equal(come?.hardwareHeader?.toString('hex', 12), '0800');
    assert.ok(Math.abs(Number((come?.time ?? 0n) / 1_000_000n) - Date.now()) < 60_000);
  }),
);

test('less is told when less is asked for, and packets may come together', { skip }, () =>
  withNetns(1, async (netns) => {
    inNamespace(netns, 'nft -f -', RULES);
    const [meta] = await packetsOf(netns, { copy: 'meta', threshold: 1 }, 3);
    assert.deepEqual([meta?.payload, meta?.sequence, meta?.prefix], [undefined, undefined, 'x']);
    const [short] = await packetsOf(netns, { range: 20, threshold: 1 }, 3);
    assert.equal(short?.payload?.length, 20);
    const calls: number[] = [];
    const onPackets = (some: readonly LogPacket[]) => calls.push(some.length);
    const watch = subscribeLog({
      netns,
      group: 5,
      onPackets,
      onLost() {},
      threshold: 6,
      timeout: 5000,
      bufferSize: 65_536,
    });
    try {
      send(netns, 'a', 'b');
      await until(() => calls.length > 0);
      assert.deepEqual(calls, [6]);
    } finally {
      watch.stop();
    }
    assert.equal((await packetsOf(netns, { timeout: 20 }, 3)).length, 3);
  }),
);

test('a group belongs to one socket, and is free when that stops', { skip }, () =>
  withNetns(1, (netns) => {
    const bind = (group = 5) => subscribeLog({ netns, group, onPackets() {}, onLost() {} });
    const first = bind();
    assert.throws(bind, (error) => isErrno(error, 'EPERM') && /another socket has the group/.test(error.message));
    first.stop();
    first.stop();
    bind().stop();
    for (const group of [-1, 65_536, 1.5])
      assert.throws(
        () => bind(group),
        (error) => error instanceof EncodeError && error.path === 'group',
      );
    assert.throws(
      () => subscribeLog({ netns, group: 5, threshold: -1, onPackets() {}, onLost() {} }),
      (error) => error instanceof EncodeError && error.path === 'threshold',
    );
  }),
);

test('what does not fit the buffer is reported as lost, and packets come again', { skip, timeout: 600_000 }, () =>
  withNetns(1, async (netns) => {
    inNamespace(netns, 'nft -f -', RULES);
    let [lost, packets] = [0, 0];
    const onPackets = (some: readonly LogPacket[]) => {
      packets += some.length;
    };
    const watch = subscribeLog({ netns, group: 5, threshold: 1, onPackets, onLost: () => lost++ });
    try {
      // nothing is read meanwhile
      const payloads = Array.from({ length: 64 }, () => 'x'.repeat(60_000));
      for (let i = 0; i < 10; i++) send(netns, ...payloads);
      await until(() => lost === 1);
      assert.ok(packets > 0 && packets < 1920, `${packets} of 1920`);
      const before = packets;
      send(netns, 'hello');
      await until(() => packets === before + 3);
    } finally {
      watch.stop();
    }
  }),
);

test('a family can have the log without rules', { skip }, () =>
  withNetns(1, (netns) => {
    using netlink = openNetlink('netfilter', netns);
    const logger = () => /^ 2 (\S+)/m.exec(inNamespace(netns, 'cat /proc/net/netfilter/nf_log'))?.[1];
    bindLogFamily(netlink, 'ip');
    assert.equal(logger(), 'nfnetlink_log');
    unbindLogFamily(netlink, 'ip');
    assert.equal(logger(), 'NONE');
  }),
);

test('no bytes bring the decoder of packets off the rails', { skip }, () =>
  withNetns(1, (netns) => {
    inNamespace(netns, 'nft -f -', RULES);
    const { socket } = bindLogGroup({ netns, group: 5, threshold: 1, sequence: true });
    try {
      send(netns, 'hello');
      const received = receiveDatagram(socket, 'netfilter');
      assert.ok(Buffer.isBuffer(received));
      const samples = readMessages(received).map(({ body }) => body);
      assert.equal(decodeLogPacket(samples[0] ?? Buffer.alloc(0)).prefix, 'x');
      fuzzDecoder(decodeLogPacket, { samples });
    } finally {
      libc.close(socket.fd);
    }
  }),
);
