import assert from 'node:assert/strict';
import test from 'node:test';
import { lacking } from '../probe/lacking.fixture.ts';
import { openDatagramSocket } from '../socket/datagram-socket.ts';
import { withNetns } from '../testing.ts';
import { inNamespace } from './conntrack-world.fixture.ts';
import { subscribeLog } from './log.ts';
import type { LogPacket } from './log-packet.ts';

const RULES = `
table ip t {
  chain o { type filter hook output priority 0; ct mark set 9; log group 5; }
}
`;

test('the connection of a packet comes with it', { skip: lacking('nf-log', 'conntrack'), timeout: 300_000 }, () =>
  withNetns(1, async (netns) => {
    inNamespace(netns, 'nft -f -', RULES);
    const { promise, resolve } = Promise.withResolvers<LogPacket | undefined>();
    const onPackets = ([first]: readonly LogPacket[]) => resolve(first);
    const watch = subscribeLog({ netns, group: 5, threshold: 1, connection: true, onPackets, onLost() {} });
    const socket = openDatagramSocket({ netns, address: '127.0.0.1', port: 0 });
    try {
      socket.sendTo(Buffer.from('hello'), '127.0.0.1', 53);
      const packet = await promise;
      assert.equal(packet?.connectionState, 'new');
      assert.partialDeepStrictEqual(packet?.connection, { family: 'ipv4', protocol: 'udp', mark: 9 });
      assert.equal(packet?.connection?.original.destinationPort, 53);
    } finally {
      socket.close();
      watch.stop();
    }
  }),
);
