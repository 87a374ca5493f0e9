import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { test } from 'node:test';
import { connectTcp } from '@podwire/kernel';
import { probe as tryKernel } from '@podwire/kernel/probe';
import { putService, putSlice, type ServiceOptions } from './api-objects.fixture.ts';
import { lackingSocketProbe, withSocketWorld } from './ebpf/socket-world.fixture.ts';
import { probe } from './suite/probe.ts';
import { ADDRESS, ADDRESS6, NODES, type ServerPlace, type World, withWorld } from './world.fixture.ts';

/*
 *   outside ── uplink ── node (near1, near2) ── eth0 ── node2 (far)
 *      └─────────────── 198.18.0.0/30 ────────────────────┘
 *
 * What is for VIP comes to node, what is for BACK_VIP to node2.
 */
const FAMILIES = [
  { family: 'ipv4', vip: '198.51.100.7', backVip: '198.51.100.8', at: ADDRESS, gateway: '198.18.0.1' },
  { family: 'ipv6', vip: '2001:db8:51::7', backVip: '2001:db8:51::8', at: ADDRESS6, gateway: 'fd00:198::1' },
] as const;
type Side = (typeof FAMILIES)[number];

/** What node sees of replies before it changes anything. */
const COUNTERS = `table inet seen {
  chain prerouting {
    type filter hook prerouting priority -400
    ${FAMILIES.map(({ family, vip }) => `${family === 'ipv4' ? 'ip' : 'ip6'} saddr ${vip} counter`).join('\n')}
  }
}`;
const annotations = { 'podwire.io/forwarding': 'dsr' };
const FAR = ['far'] as const;
const NEAR = ['near1', 'near2'] as const;
const ALL = [...NEAR, ...FAR] as const;

/** A link between node2 and the client that does not lead by node. */
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
  for (const { backVip, gateway, at } of FAMILIES)
    ip('outside', `route add ${backVip} via ${gateway} src ${at.outside}`);
}

/** The same service in both families, at its own cluster IPs. */
class Twins {
  readonly #world: World;
  readonly #names = new Map<string, string>();
  readonly #last: number;

  constructor(world: World, last: number) {
    this.#world = world;
    this.#last = last;
  }

  async put(options: (side: Side) => ServiceOptions): Promise<void> {
    for (const side of FAMILIES) {
      const isFour = side.family === 'ipv4';
      const given = { addressType: isFour ? 'IPv4' : 'IPv6', annotations, ...options(side) } as const;
      const address = isFour ? `10.96.0.${this.#last}` : `fd00:96::${this.#last}`;
      const name = putService(this.#world.informers, address, given, this.#names.get(side.family));
      this.#names.set(side.family, name);
    }
    await settle(this.#world);
  }

  async endpoints(backends: readonly ServerPlace[]): Promise<void> {
    for (const { family } of FAMILIES)
      putSlice(this.#world.informers, this.#names.get(family) ?? '', {
        backends,
        addressType: family === 'ipv4' ? 'IPv4' : 'IPv6',
      });
    await settle(this.#world);
  }
}

async function settle({ room, second }: World): Promise<void> {
  await room.idle();
  await second?.idle();
}

/** Connections of clients outside, by TCP and UDP, also in large pieces: who answers, and which source is seen. */
async function probeBoth(world: World, to: string, places: readonly string[], source: string): Promise<void> {
  const seen = { from: 'outside', sources: [source], times: places.length > 1 ? 60 : 2 } as const;
  await probe(world, { ...seen, to: [to, 80], servers: places.map((place) => `${place}:8080`) });
  await probe(world, { ...seen, to: [to, 53], protocol: 'udp', servers: places });
  await probe(world, { ...seen, to: [to, 80], times: 1, bytes: 200_000 });
  await probe(world, { ...seen, to: [to, 53], protocol: 'udp', times: 1, bytes: 4000 });
}

/** How much of the replies has come by node, and what it tracks of connections to the address. */
const seenBy = ({ run }: World, place: 'node' | 'far', { family, vip, backVip }: Side) => ({
  replies: [...run('node', 'nft', 'list', 'table', 'inet', 'seen').matchAll(/counter packets (\d+)/g)].map(
    ([, n]) => n,
  ),
  tracked: run(place, 'conntrack', '-L', '-f', family, '-d', place === 'node' ? vip : backVip),
});

/** A connection of a client outside in each family. */
async function open({ netns }: World): Promise<Socket[]> {
  const opened = FAMILIES.map(({ vip }) =>
    connectTcp({ netns: netns.outside, address: vip, port: 80, timeout: 30_000 }),
  );
  const sockets = await Promise.all(opened);
  return sockets.map((socket) => socket.setTimeout(300_000, () => socket.destroy()));
}

async function echo(socket: Socket, text: string): Promise<void> {
  socket.write(text);
  let heard = '';
  for await (const data of socket.iterator({ destroyOnReturn: false })) {
    heard += data;
    if (heard.endsWith(text)) return;
  }
  assert.fail(`the connection ended with ${JSON.stringify(heard)}`);
}

/** A service of an endpoint on node2. Replies leave from there, and the endpoint sees the client. */
async function handOver(world: World): Promise<Twins> {
  wireBack(world);
  world.run('node', 'nft', COUNTERS);
  const web = new Twins(world, 1);
  await web.put(({ vip }) => ({ externalIPs: [vip], backends: FAR }));
  for (const side of FAMILIES) {
    await probeBoth(world, side.vip, FAR, side.at.outside);
    assert.deepEqual(seenBy(world, 'node', side), { replies: ['0', '0'], tracked: '' });
  }
  assert.deepEqual(await world.room.diff(), []);
  assert.deepEqual([world.room.status().errors, world.room.status().limits], [[], []]);
  return web;
}

function lackingDup(): string | false {
  const name = (['nft-dup', 'nft-dup-ipv6'] as const).find((one) => tryKernel(one).outcome !== 'yes');
  return name === undefined ? false : `probe ${name}: ${tryKernel(name).reason}`;
}

const skip = lackingDup();

test('direct server return (SVC-33) in mode ebpf', { skip: skip || lackingSocketProbe(), timeout: 600_000 }, () =>
  withSocketWorld(
    'ebpf',
    async (world) => {
      await handOver(world);
    },
    { dualStack: true, secondNode: true },
  ),
);

test('direct server return (SVC-33) between two nodes', { skip, timeout: 600_000 }, (t) =>
  withWorld(
    async (world) => {
      const web = await handOver(world);
      await t.test('nft can read again what it lists (of IPv6 1.0.6 cannot, as with affinity)', () => {
        const listing = world.run('node', 'nft', 'list', 'table', 'ip', 'podwire-services');
        assert.equal(world.run('client', 'nft', listing), '');
        world.run('client', 'nft', 'flush', 'ruleset');
      });
      await t.test('an open connection stays where it is, whatever becomes of endpoints and agents', async () => {
        const sockets = await open(world);
        try {
          for (const socket of sockets) await echo(socket, 'before');
          await web.endpoints(NEAR);
          for (const socket of sockets) await echo(socket, 'elsewhere');
          await world.restart();
          for (const socket of sockets) await echo(socket, 'restarted');
          for (const side of FAMILIES) await probeBoth(world, side.vip, NEAR, side.at.outside);
        } finally {
          for (const socket of sockets) socket.destroy();
        }
      });
      await t.test('with endpoints on both nodes all of them serve', async () => {
        await web.endpoints(ALL);
        for (const side of FAMILIES) await probeBoth(world, side.vip, ALL, side.at.outside);
      });
      await t.test('each node hands over to the other, and tracks nothing', async () => {
        const back = new Twins(world, 2);
        await back.put(({ backVip }) => ({ externalIPs: [backVip], backends: NEAR }));
        for (const side of FAMILIES) {
          await probeBoth(world, side.backVip, NEAR, side.at.outside);
          assert.equal(seenBy(world, 'far', side).tracked, '');
        }
      });
      await t.test('pods have all endpoints, and source ranges and refusal hold', async () => {
        const from = 'outside';
        const ranges = ['192.0.2.0/24', '2001:db8:99::/48'];
        for (const { vip } of FAMILIES)
          await probe(world, {
            from: 'client',
            to: [vip, 80],
            times: 60,
            servers: ALL.map((place) => `${place}:8080`),
          });
        await web.put(({ vip }) => ({
          ...{ type: 'LoadBalancer', ingress: [{ ip: vip }], loadBalancerSourceRanges: ranges, backends: FAR },
        }));
        for (const { vip } of FAMILIES) await probe(world, { from, to: [vip, 80], times: 2, fails: 'silence' });
        await web.put(({ vip }) => ({ externalIPs: [vip], backends: [] }));
        for (const { vip } of FAMILIES) {
          await probe(world, { from, to: [vip, 80], fails: 'refused' });
          await probe(world, { from, to: [vip, 53], protocol: 'udp', fails: 'refused' });
        }
      });
      await t.test('a node that gets another address is handed packets there', async () => {
        const moved = { type: 'InternalIP', address: '172.30.0.13' };
        world.run('far', 'ip', 'addr', 'add', `${moved.address}/24`, 'dev', 'eth0');
        await web.put(({ vip }) => ({ externalIPs: [vip], backends: FAR }));
        world.informers.put('Node', { ...NODES.node2, status: { addresses: [moved] } });
        await settle(world);
        assert.match(
          world.run('node', 'nft', 'list', 'map', 'ip', 'podwire-services', 'direct-nodes'),
          / 172.30.0.13 /,
        );
        const [four] = FAMILIES;
        await probeBoth(world, four.vip, FAR, four.at.outside);
        assert.match(world.room.status().limits?.join() ?? '', /node-2, which has no InternalIP of the family/);
        world.informers.put('Node', NODES.node2);
        await settle(world);
        assert.deepEqual([await world.room.diff(), world.room.status().limits], [[], []]);
      });
      await t.test('behind a router a node is handed nothing, which is said', async () => {
        const ip = (line: string) => world.run('node', 'ip', ...line.split(' '));
        await web.put(({ vip }) => ({ externalIPs: [vip], backends: ALL }));
        ip('route add 172.30.0.12/32 via 172.30.0.99');
        await world.room.resync();
        assert.match(world.room.status().limits?.join() ?? '', /node-2, whose address 172\.30\.0\.12 is on no link/);
        ip('route del 172.30.0.12/32');
        await world.room.resync();
        assert.deepEqual(world.room.status().limits, []);
      });
      await t.test('without the annotation all is as it was, and what was handed over is reset', async () => {
        await web.endpoints(FAR);
        const sockets = await open(world);
        try {
          for (const socket of sockets) await echo(socket, 'before');
          await web.put(({ vip }) => ({ externalIPs: [vip], backends: FAR, annotations: {} }));
          for (const socket of sockets) await assert.rejects(echo(socket, 'after'), { code: 'ECONNRESET' });
          for (const { vip, at } of FAMILIES) await probeBoth(world, vip, FAR, at.node);
        } finally {
          for (const socket of sockets) socket.destroy();
        }
      });
      await t.test('connections that are open when the annotation comes stay as they are', async () => {
        const sockets = await open(world);
        try {
          for (const socket of sockets) await echo(socket, 'before');
          await web.put(({ vip }) => ({ externalIPs: [vip], backends: FAR }));
          for (const { vip, at } of FAMILIES) await probeBoth(world, vip, FAR, at.outside);
          for (const socket of sockets) await echo(socket, 'after');
        } finally {
          for (const socket of sockets) socket.destroy();
        }
      });
    },
    () => ({ dualStack: true, secondNode: true }),
  ),
);
