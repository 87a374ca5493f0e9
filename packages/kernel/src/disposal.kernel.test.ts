import assert from 'node:assert/strict';
import fs from 'node:fs';
import { PassThrough } from 'node:stream';
import test from 'node:test';
import { capturePackets } from './capture/packet-capture.ts';
import { PcapngWriter } from './capture/pcapng-writer.ts';
import { subscribeNetlink, watchNetlinkGroups } from './netlink/subscription.ts';
import { openDatagramSocket } from './socket/datagram-socket.ts';
import { openPacketSocket } from './socket/packet-socket.ts';
import { openRawSocket } from './socket/raw-socket.ts';
import { withNetns } from './testing.ts';
import { openTun } from './tun/tun.ts';

const descriptors = (): number => fs.readdirSync('/proc/self/fd').length;

test('what is opened with `using` is closed at the end of the block, and closing it before does no harm', async () => {
  await withNetns(1, (netns) => {
    const stream = new PassThrough();
    stream.resume();
    const writer = new PcapngWriter(stream);
    const groups = { protocol: 'route', netns, groups: [1] } as const;
    const openers: readonly (() => Disposable)[] = [
      () => openDatagramSocket({ netns, address: '127.0.0.1', port: 0, onDatagrams() {} }),
      () => openRawSocket({ netns, family: 'ipv4', protocol: 'icmp', onDatagrams() {} }),
      () => openPacketSocket({ netns, link: 'lo', onFrame() {} }),
      () => openTun({ netns, onFrame() {} }),
      () => capturePackets(writer, { netns, link: 'lo' }),
      () => subscribeNetlink({ ...groups, onMessages() {}, onLost() {} }),
      () => watchNetlinkGroups({ ...groups, onChange() {} }),
    ];
    for (const open of openers) {
      const before = descriptors();
      {
        using opened = open();
        assert.equal(descriptors(), before + 1, String(open));
        opened[Symbol.dispose]();
      }
      assert.equal(descriptors(), before, String(open));
    }
  });
});
