import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import test from 'node:test';
import { parseIp } from '@podwire/base';
import { closing } from '../socket/closing.fixture.ts';
import { type Frame, openPacketSocket } from '../socket/packet-socket.ts';
import { bindUdp } from '../socket/udp-socket.ts';
import { until } from '../socket/until.fixture.ts';
import { withNetns } from '../testing.ts';
import { LINK_TYPE } from './pcapng-block.ts';
import { decodePcapng } from './pcapng-decoder.ts';
import { PcapngWriter } from './pcapng-writer.ts';

const openCapture = closing(openPacketSocket);
const tcpdump = (...words: string[]) =>
  execFileSync('tcpdump', ['-n', ...words], { stdio: 'pipe' })
    .toString()
    .trim()
    .split('\n');

test('a capture of lo and of all links in one file is read by tcpdump: count, times, contents', async () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'pwt-pcapng-'));
  try {
    await withNetns(1, async (netns) => {
      const file = path.join(directory, 'lo.pcapng');
      const cooked = path.join(directory, 'all.pcapng');
      const frames: Frame[] = [];
      const others: Frame[] = [];
      const filter = { and: [{ protocol: 'udp' }, { port: 5353 }] } as const;
      const onLo = openCapture({ netns, link: 'lo', filter, onFrame: (f) => frames.push(f) });
      const onAll = openCapture({ netns, filter, onFrame: (f) => others.push(f) });
      const socket = await bindUdp({ netns, address: '127.0.0.1', port: 5353 });
      for (let i = 0; i < 5; i++) socket.send(`hello ${i}`, 5353, '127.0.0.1');
      await until(() => frames.length === 10 && others.length === 10); // each goes out and comes in
      for (const [where, linkType, list, capture] of [
        [file, LINK_TYPE.ethernet, frames, onLo],
        [cooked, LINK_TYPE.sll2, others, onAll],
      ] as const) {
        const writer = new PcapngWriter(fs.createWriteStream(where), { application: 'podwire' });
        const lo = writer.addInterface({ linkType, snapLength: 0, name: 'lo', filter: 'udp and port 5353' });
        writer.names([{ address: parseIp('127.0.0.1'), names: ['pod-a'] }]);
        for (const [n, { bytes, time, length, direction }] of list.entries())
          writer.packet({
            interface: lo,
            time,
            bytes,
            length,
            direction,
            ...(n === 0 ? { comment: 'the first' } : {}),
          });
        writer.statistics({ interface: lo, time: list[9]?.time ?? 0n, ...capture.statistics() });
        await writer.end();
        const lines = tcpdump('-tt', '--nano', '-A', '-r', where).filter((line) => /IP 127/.test(line));
        assert.equal(lines.length, 10);
        const times = list.map((f) => `${f.time / 1_000_000_000n}.${String(f.time % 1_000_000_000n).padStart(9, '0')}`);
        assert.deepEqual(
          lines.map((line) => line.split(' ')[0]),
          times,
        );
        assert.match(lines[0] ?? '', /127\.0\.0\.1\.5353 > 127\.0\.0\.1\.5353/);
        const text = tcpdump('-A', '-r', where).join('\n');
        for (let i = 0; i < 5; i++) assert.equal(text.split(`hello ${i}`).length - 1, 2);
      }
      const blocks = [...decodePcapng(fs.readFileSync(file))];
      assert.equal(blocks.filter((block) => block.type === 'packet' && block.direction === 'in').length, 5);
      for (const open of [onLo, onAll, socket]) open.close();
    });
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
});
