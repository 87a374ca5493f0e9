import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { PassThrough, Writable } from 'node:stream';
import test from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasCode } from '@podwire/base';
import { closing } from '../socket/closing.fixture.ts';
import { openDatagramSocket } from '../socket/datagram-socket.ts';
import { until } from '../socket/until.fixture.ts';
import { withNetns } from '../testing.ts';
import { openTun } from '../tun/tun.ts';
import { capturePackets } from './packet-capture.ts';
import { LINK_TYPE } from './pcapng-block.ts';
import { decodePcapng } from './pcapng-decoder.ts';
import { PcapngWriter } from './pcapng-writer.ts';

const openSocket = closing(openDatagramSocket);
const openLink = closing(openTun);

test('captures of Ethernet, of a tun link and of all links share a file', async () => {
  await withNetns(1, async (netns) => {
    const tun = openLink({ netns });
    for (const words of [`addr add 10.9.0.1/24 dev ${tun.name}`, `link set ${tun.name} up`])
      execFileSync('ip', ['-n', netns.name ?? '', ...words.split(' ')]);
    const stream = new PassThrough();
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    const blocksSoFar = () => [...decodePcapng(Buffer.concat(chunks))];
    const writer = new PcapngWriter(stream);
    const filter = { port: 9 } as const;
    const captures = [
      capturePackets(writer, { netns, link: 'lo', filter, description: 'loopback' }),
      capturePackets(writer, { netns, link: tun.name, linkLayer: 'ip', filter }),
      capturePackets(writer, { netns, filter, snapLength: 30 }),
    ];
    const socket = openSocket({ netns, address: '0.0.0.0', port: 0 });
    openSocket({ netns, address: '127.0.0.1', port: 9 });
    socket.sendTo(Buffer.from('by lo'), '127.0.0.1', 9);
    socket.sendTo(Buffer.from('by tun'), '10.9.0.2', 9);
    const counts = () => captures.map((capture) => Number(capture.statistics().received));
    await until(() => counts().join() === '2,1,3'); // lo takes what it sends
    await until(() => blocksSoFar().filter(({ type }) => type === 'packet').length === 6);
    for (const capture of captures) capture.stop();
    captures[0]?.stop();
    await writer.end();
    const blocks = blocksSoFar();
    const interfaces = blocks.flatMap((block) =>
      block.type === 'interface' ? [[block.name, block.linkType, block.filter]] : [],
    );
    assert.deepEqual(interfaces, [
      ['lo', LINK_TYPE.ethernet, 'port 9'],
      [tun.name, LINK_TYPE.raw, 'port 9'],
      ['any', LINK_TYPE.sll2, 'port 9'],
    ]);
    const packets = blocks.flatMap((block) => (block.type === 'packet' ? [block] : []));
    const texts = (number: number, at: number) =>
      packets.filter((p) => p.interface === number).map((p) => p.bytes.toString('latin1', at));
    assert.deepEqual(texts(0, 42), ['by lo', 'by lo']);
    assert.deepEqual(texts(1, 28), ['by tun']);
    assert.deepEqual(
      packets
        .filter((p) => p.interface === 2)
        .map((p) => [p.bytes.length, p.length])
        .sort(),
      [
        [50, 53],
        [50, 53],
        [50, 54],
      ],
    );
    assert.equal(blocks.filter((block) => block.type === 'statistics').length, 3);
  });
});

test('while the stream is full the capture waits and the kernel counts what it drops', async () => {
  await withNetns(1, async (netns) => {
    const chunks: Buffer[] = [];
    let goOn = () => {};
    const stream = new Writable({
      highWaterMark: 1000,
      write(chunk, _encoding, done) {
        chunks.push(chunk);
        goOn = done; // takes one block and then no more, until told
      },
    });
    const writer = new PcapngWriter(stream);
    const capture = capturePackets(writer, { netns, link: 'lo', filter: { port: 9 }, receiveBuffer: 20_000 });
    const socket = openSocket({ netns, address: '127.0.0.1', port: 9 });
    for (let i = 0; i < 20; i++) {
      for (let k = 0; k < 20; k++) socket.sendTo(Buffer.alloc(1000, i), '127.0.0.1', 9);
      await sleep(1);
    }
    const { received, dropped } = capture.statistics();
    assert.equal(received, 800n);
    assert.ok(dropped > 600n, `${dropped} dropped`);
    assert.ok(stream.writableLength < 100_000, `${stream.writableLength} bytes wait`);
    capture.stop();
    const ended = writer.end();
    const timer = setInterval(() => goOn(), 0);
    await ended;
    clearInterval(timer);
    const statistics = [...decodePcapng(Buffer.concat(chunks))].find((block) => block.type === 'statistics');
    assert.equal(statistics?.type === 'statistics' && statistics.dropped, dropped);
  });
});

test('a capture that cannot be described leaves no socket open', async () => {
  await withNetns(1, async (netns) => {
    const open = () => fs.readdirSync('/proc/self/fd').length;
    const writer = new PcapngWriter(new PassThrough());
    const before = open();
    assert.throws(
      () => capturePackets(writer, { netns, link: 'lo', description: 'x'.repeat(70_000) }),
      (error) => hasCode(error, 'KERNEL_ENCODE'),
    );
    assert.equal(open(), before);
  });
});

function isClosed(capture: { statistics(): unknown }): boolean {
  try {
    capture.statistics();
    return false;
  } catch {
    return true;
  }
}

test('a stream that fails ends the capture', async () => {
  await withNetns(1, async (netns) => {
    const stream = new Writable({
      highWaterMark: 1,
      write: (_chunk, _encoding, done) => void setTimeout(() => done(new Error('disk full')), 20),
    });
    stream.on('error', () => {});
    const writer = new PcapngWriter(stream);
    const capture = capturePackets(writer, { netns, link: 'lo' });
    const socket = openSocket({ netns, address: '127.0.0.1', port: 9 });
    socket.sendTo(Buffer.from('x'), '127.0.0.1', 9);
    await until(() => isClosed(capture));
    assert.throws(() => capture.statistics(), /closed/);
    capture.stop();
    await assert.rejects(writer.end());
  });
});
