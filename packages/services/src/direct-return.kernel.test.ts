import { test } from 'node:test';
import { putService } from './api-objects.fixture.ts';
import { probe } from './suite/probe.ts';
import { ADDRESS, ADDRESS6, type World, withWorld } from './world.fixture.ts';

/*
 *   outside ── uplink ── node ── eth0 ── node2 (far)
 *      └───────── back 198.18.0.0/30 ─────┘
 *
 * What is for a service address gets to node, which counts what comes back by it.
 */
const VIP = { ipv4: '198.51.100.7' } as const;

/** A way back from node-2 to the client that does not lead by node-1. */
function wireBack({ run, netns }: World): void {
  const ip = (place: 'far' | 'outside', line: string): string => run(place, 'ip', ...line.split(' '));
  run('outside', 'sysctl', '-qw', 'net/ipv4/conf/all/rp_filter=0', 'net/ipv4/conf/default/rp_filter=0');
  ip('far', `link add back type veth peer name back netns ${netns.outside.name}`);
  for (const [place, last] of [
    ['far', 1],
    ['outside', 2],
  ] as const) {
    ip(place, `addr add 198.18.0.${last}/30 dev back`);
    ip(place, `addr add fd00:198::${last}/64 dev back nodad`);
    ip(place, 'link set back up');
  }
  ip('far', `route add ${ADDRESS.outside} via 198.18.0.2`);
  ip('far', `route add ${ADDRESS6.outside} via fd00:198::2`);
}

const annotations = { 'podwire.io/forwarding': 'dsr' };

test('direct server return (SVC-33) between two nodes', { timeout: 600_000 }, (t) =>
  withWorld(
    async (world) => {
      wireBack(world);
      const { informers } = world;
      putService(informers, '10.96.0.1', { externalIPs: [VIP.ipv4], annotations, backends: ['far'] });
      await world.room.idle();
      await world.second?.idle();
      await t.test('thin', async () => {
        await probe(world, {
          from: 'outside',
          to: [VIP.ipv4, 80],
          times: 3,
          servers: ['far:8080'],
          sources: [ADDRESS.outside],
        });
      });
    },
    () => ({ dualStack: true, secondNode: true }),
  ),
);
