import assert from 'node:assert/strict';
import test from 'node:test';
import { withNetns } from '../testing.ts';
import { closing } from './closing.fixture.ts';
import { openRawSocket, type RawSocketOptions } from './raw-socket.ts';
import { until } from './until.fixture.ts';

const openRaw = closing(openRawSocket);

test('ICMP echo by raw sockets: IPv4 with the IP header in front, IPv6 behind it with a checksum by the kernel', async () => {
  await withNetns(1, async (netns) => {
    const replies: Buffer[] = [];
    const ping4 = openRaw({
      netns,
      family: 'ipv4',
      protocol: 'icmp',
      packetInfo: true,
      onDatagrams(batch) {
        for (let i = 0; i < batch.count; i++)
          if (batch.bytesOf(i)[20] === 0) replies.push(Buffer.from(batch.bytesOf(i)));
      },
    });
    ping4.sendTo(Buffer.from('0800f7fd00010001', 'hex'), '127.0.0.1', 0); // type 8, checksum, identifier 1, sequence 1
    await until(() => replies.length === 1);
    assert.equal(replies[0]?.subarray(20).toString('hex'), '0000fffd00010001');
    const peers: unknown[] = [];
    const ping6 = openRaw({
      netns,
      family: 'ipv6',
      protocol: 58,
      onDatagrams(batch) {
        for (let i = 0; i < batch.count; i++) if (batch.bytesOf(i)[0] === 129) peers.push(batch.peerOf(i));
      },
    });
    ping6.sendTo(Buffer.from('8000000000010001', 'hex'), '::1', 0);
    await until(() => peers.length === 1);
    assert.deepEqual(peers, [{ address: '::1', port: 0, scope: 0 }]);
    ping4.close();
    ping6.close();
  });
});

test('a protocol or family that is none is refused with those there are', () => {
  const refused = (options: object, message: RegExp) =>
    assert.throws(() => openRaw(options as RawSocketOptions), { code: 'KERNEL_ENCODE', message });
  refused({ family: 'ipv4', protocol: 'icpm' }, /"icpm" as the protocol of a raw socket; write icmp, tcp, /);
  refused({ family: 'ipv4', protocol: 256 }, /256 .* 1 to 255/);
  refused({ family: 'ip4', protocol: 1 }, /"ip4" as the family of a raw socket; write ipv4, ipv6/);
});

test('with the header included the packet goes out as written, source address and all', async () => {
  await withNetns(1, async (netns) => {
    for (const [family, self, hex] of [
      ['ipv4', '127.0.0.1', '4500001c00000000 40fd0000 7f000042 7f000001 6865616465722121'],
      ['ipv6', '::1', `6000000000 08fd40 ${'0'.repeat(31)}1${'0'.repeat(31)}1 6865616465722121`],
    ] as const) {
      const got: string[] = [];
      const taker = openRaw({
        netns,
        family,
        protocol: 253,
        address: self,
        onDatagrams: (batch) =>
          got.push(`${batch.peerOf(0)?.address} ${batch.bytesOf(0).toString('latin1').slice(-8)}`),
      });
      const giver = openRaw({ netns, family, protocol: 253, headerIncluded: true });
      giver.sendTo(Buffer.from(hex.replaceAll(' ', ''), 'hex'), self, 0);
      await until(() => got.length === 1);
      assert.deepEqual(got, [`${family === 'ipv4' ? '127.0.0.66' : '::1'} header!!`]);
      taker.close();
      giver.close();
    }
  });
});
