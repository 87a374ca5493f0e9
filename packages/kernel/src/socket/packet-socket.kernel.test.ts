import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasCode } from '@podwire/base';
import fc from 'fast-check';
import { runClassicProgram } from '../capture/classic-interpreter.ts';
import { compileFilter } from '../capture/filter-compiler.ts';
import { filter as anyFilter, frame as anyFrame } from '../capture/frames.fixture.ts';
import { isErrno } from '../errors.ts';
import type { Netns } from '../netns/netns.ts';
import { withNetns } from '../testing.ts';
import { closing } from './closing.fixture.ts';
import { type Frame, openPacketSocket, type PacketSocket } from './packet-socket.ts';
import { until } from './until.fixture.ts';

const openCapture = closing(openPacketSocket);

/** An Ethernet frame of the local experimental type 0x88b5. */
const frame = (payload: string) =>
  Buffer.concat([Buffer.from('ffffffffffff02000000000188b5', 'hex'), Buffer.from(payload.padEnd(46))]);
const EXPERIMENTAL = { etherType: 0x88b5 } as const;

const ip = (netns: Netns, words: string) => execFileSync('ip', ['-n', netns.name ?? '', ...words.split(' ')]);

/** Two namespaces, `v0` in the first and `v1` in the second; frames sent by `left` reach the other end. */
async function withWire(fn: (a: Netns, b: Netns, left: PacketSocket) => Promise<void>): Promise<void> {
  await withNetns(2, async (a, b) => {
    // without IPv6 the kernel sends nothing of its own
    for (const netns of [a, b]) netns.run(() => fs.writeFileSync('/proc/sys/net/ipv6/conf/default/disable_ipv6', '1'));
    ip(a, `link add v0 type veth peer name v1 netns ${b.name}`);
    ip(a, 'link set v0 up');
    ip(b, 'link set v1 up');
    let arrived = '';
    const onFrame = ({ bytes }: Frame) => {
      arrived = bytes.toString('latin1', 14).trimEnd();
    };
    const left = openCapture({ netns: a, link: 'v0' });
    const right = openCapture({ netns: b, link: 'v1', onFrame });
    try {
      // a link that has just been raised drops frames until its queue is in place; none is to come later than the last
      let last = '';
      for (let i = 0; i < 3000 && (last === '' || arrived !== last); i++) {
        last = `warm-up ${i}`;
        left.send(frame(last));
        await sleep(20);
      }
      await fn(a, b, left);
    } finally {
      left.close();
      right.close();
    }
  });
}

test('a frame sent by one end of a veth arrives at the other; both directions are told apart', async () => {
  await withWire(async (a, b, left) => {
    const sent: Frame[] = [];
    const received: Frame[] = [];
    const errors: string[] = [];
    const before = BigInt(Date.now()) * 1_000_000n;
    const watcher = openCapture({ netns: a, link: 'v0', onFrame: (f) => sent.push(f) });
    const right = openCapture({
      netns: b,
      link: 'v1',
      filter: EXPERIMENTAL,
      onFrame: (f) => received.push(f),
      onError: (name) => errors.push(name),
    });
    for (let i = 0; i < 100; i++) left.send(frame(`number ${i}`));
    await until(() => received.length === 100 && sent.length === 100);
    const [last] = received.slice(-1);
    assert.deepEqual(last?.bytes, frame('number 99'));
    assert.equal(last?.direction, 'in');
    assert.equal(last?.length, 60);
    assert.ok((last?.time ?? 0n) >= before && (last?.time ?? 0n) <= BigInt(Date.now() + 1) * 1_000_000n);
    assert.equal(sent[0]?.direction, 'out');
    assert.deepEqual(right.statistics(), { received: 100n, dropped: 0n });
    ip(b, 'link set v1 down');
    await until(() => errors.length > 0);
    assert.deepEqual(errors, ['ENETDOWN']);
    ip(b, 'link set v1 up');
    await until(() => {
      left.send(frame('after link down'));
      return received.length > 100;
    });
    watcher.close();
    right.close();
  });
});

test('the kernel lets through what the filter says, on generated frames', async () => {
  await withWire(async (_a, b, left) => {
    const end = frame('the end');
    const property = fc.asyncProperty(
      fc.array(anyFrame, { minLength: 60, maxLength: 60 }),
      anyFilter,
      async (all, wanted) => {
        const got: Buffer[] = [];
        const onFrame = ({ bytes }: Frame) => got.push(bytes);
        const right = openCapture({ netns: b, link: 'v1', filter: { or: [wanted, EXPERIMENTAL] }, onFrame });
        for (const bytes of all) left.send(bytes);
        left.send(end);
        await until(() => got.at(-1)?.equals(end) === true);
        right.close();
        const program = compileFilter({ or: [wanted, EXPERIMENTAL] });
        assert.deepEqual(
          got.slice(0, -1),
          all.filter((bytes) => runClassicProgram(program, bytes) > 0),
        );
      },
    );
    await fc.assert(property, { numRuns: 40 });
  });
});

test('snapLength cuts frames off, their length stays known; a VLAN tag is where it was', async () => {
  await withWire(async (_a, b, left) => {
    const frames: Frame[] = [];
    const right = openCapture({ netns: b, link: 'v1', snapLength: 20, onFrame: (f) => frames.push(f) });
    left.send(frame('x'.repeat(500)));
    left.send(Buffer.from(`ffffffffffff020000000001 8100 2005 88b5 ${'aa'.repeat(60)}`.replaceAll(' ', ''), 'hex'));
    await until(() => frames.length === 2);
    assert.deepEqual([frames[0]?.bytes.length, frames[0]?.length], [20, 514]);
    assert.equal(
      frames[1]?.bytes.toString('hex'),
      `ffffffffffff020000000001 8100 2005 88b5 ${'aa'.repeat(6)}`.replaceAll(' ', ''),
    );
    assert.equal(frames[1]?.length, 78);
    right.close();
  });
});

test('from all links frames come behind an SLL2 header that says which', async () => {
  await withWire(async (a, b, left) => {
    ip(b, 'addr add 10.0.0.2/24 dev v1');
    const frames: Frame[] = [];
    const filter = { or: [EXPERIMENTAL, { host: '127.0.0.1' }] } as const;
    const right = openCapture({ netns: b, filter, onFrame: (f) => frames.push(f) });
    left.send(frame('here'));
    await until(() => frames.length === 1);
    const { bytes = Buffer.alloc(0), ifIndex = 0, direction } = frames[0] ?? {};
    const index = execFileSync('ip', ['-n', b.name ?? '', '-o', 'link', 'show', 'v1'], { stdio: 'pipe' })
      .toString()
      .split(':')[0];
    assert.equal(ifIndex, Number(index));
    const header = `88b50000${ifIndex.toString(16).padStart(8, '0')}00010106020000000001`; // Ethernet, to all, 6 bytes
    assert.equal(bytes.subarray(0, 18).toString('hex'), header);
    assert.equal(bytes.subarray(20).toString().trimEnd(), 'here');
    assert.equal(direction, 'in');
    assert.equal(a.name === b.name, false);
    right.close();
  });
});

test('a promiscuous socket makes the link promiscuous until it is closed', async () => {
  await withWire(async (_a, b) => {
    const promiscuity = () =>
      /promiscuity (\d+)/.exec(
        execFileSync('ip', ['-n', b.name ?? '', '-d', 'link', 'show', 'v1'], { stdio: 'pipe' }).toString(),
      )?.[1];
    const socket = openCapture({ netns: b, link: 'v1', promiscuous: true, onFrame: () => {} });
    assert.equal(promiscuity(), '1');
    socket.close();
    assert.equal(promiscuity(), '0');
  });
});

test('a paused socket drops what does not fit and counts it', async () => {
  await withWire(async (_a, b, left) => {
    let frames = 0;
    const onFrame = () => {
      frames++;
    };
    const right = openCapture({ netns: b, link: 'v1', filter: EXPERIMENTAL, receiveBuffer: 10_000, onFrame });
    right.pause();
    for (let i = 0; i < 500; i++) left.send(frame(`number ${i}`));
    await until(() => right.statistics().received === 500n);
    await sleep(20);
    assert.equal(frames, 0);
    const { received, dropped } = right.statistics();
    assert.ok(dropped > 0n && dropped < 500n, `${dropped} dropped`);
    right.resume();
    await until(() => BigInt(frames) === received - dropped);
    assert.deepEqual(right.statistics(), { received, dropped });
    right.close();
  });
});

test('pause inside onFrame lets only what was taken already through', async () => {
  await withWire(async (_a, b, left) => {
    let frames = 0;
    const onFrame = () => {
      frames++;
      right.pause();
    };
    const right: PacketSocket = openCapture({ netns: b, link: 'v1', filter: EXPERIMENTAL, onFrame });
    for (let i = 0; i < 100; i++) left.send(frame(`number ${i}`));
    await until(() => frames > 0);
    await sleep(20);
    assert.ok(frames <= 32, `${frames} frames`);
    while (frames < 100) {
      const before = frames;
      right.resume();
      await until(() => frames > before);
    }
    assert.equal(frames, 100);
  });
});

test('a snapLength that cannot be is refused', () => {
  for (const snapLength of [0, -1, 1.5, Number.NaN])
    assert.throws(
      () => openCapture({ link: 'lo', onFrame: () => {}, snapLength }),
      (error) => hasCode(error, 'KERNEL_ENCODE'),
    );
});

test('close() inside onFrame ends it; every later use is KERNEL_CLOSED', async () => {
  await withWire(async (_a, b, left) => {
    let frames = 0;
    const right = openCapture({
      netns: b,
      link: 'v1',
      onFrame: () => {
        frames++;
        right.close();
        right.close();
      },
    });
    for (let i = 0; i < 10; i++) left.send(frame('x'));
    await until(() => frames > 0);
    await sleep(20);
    assert.equal(frames, 1);
    for (const use of [
      () => right.send(frame('x')),
      () => right.pause(),
      () => right.resume(),
      () => right.statistics(),
    ]) {
      assert.throws(use, (error) => hasCode(error, 'KERNEL_CLOSED'));
    }
  });
});

test('a link that does not exist is ENODEV', async () => {
  await withNetns(1, (netns) => {
    assert.throws(
      () => openCapture({ netns, link: 'nope0' }),
      (error) => isErrno(error, 'ENODEV'),
    );
  });
});
