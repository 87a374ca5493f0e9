import { type TestContext, test } from 'node:test';
import { findPlace } from '../ebpf/place.ts';
import { lackingSocketProbe, withSocketWorld } from '../ebpf/socket-world.fixture.ts';
import { type World, withWorld } from '../world.fixture.ts';
import { CIDRS } from './cluster-state.fixture.ts';
import { ebpfView, iptablesView, nftablesView } from './kernel-view.fixture.ts';
import { type KillsUnderTraffic, killUnderTraffic } from './kill-under-traffic.fixture.ts';

async function run(t: TestContext, world: World, options: Omit<KillsUnderTraffic, 'seed'>): Promise<void> {
  const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
  t.diagnostic(`SEED=${seed}`);
  t.diagnostic(await killUnderTraffic(world, { ...options, seed }));
}

const runDirectory = '/nonexistent';

test('killed with -9 in mode nftables: all or nothing, and nobody notices', { timeout: 600_000 }, (t) =>
  withWorld((world) =>
    run(t, world, { setup: { config: CIDRS, runDirectory }, view: nftablesView(world.netns.node), rounds: 8 }),
  ),
);

test('killed with -9 in mode iptables: each table all or nothing', { timeout: 600_000 }, (t) =>
  withWorld(
    (world) =>
      run(t, world, {
        setup: { config: { ...CIDRS, proxyMode: 'iptables' }, runDirectory },
        view: iptablesView(world.netns.node),
        rounds: 6,
      }),
    () => ({ proxyMode: 'iptables' }),
  ),
);

test(
  'killed with -9 in mode ebpf: sockets are led to endpoints',
  { skip: lackingSocketProbe(), timeout: 600_000 },
  (t) =>
    withSocketWorld('ebpf', (world, place) => {
      const { client, near1, near2, node } = world.netns;
      const podNamespaces = [client, near1, near2].map((netns) => netns.path);
      const sockets = { cgroup: place.cgroup, bpffs: place.bpffs, podNamespaces };
      return run(t, world, {
        setup: { config: { ...CIDRS, proxyMode: 'ebpf' }, runDirectory: place.runDirectory, sockets },
        view: ebpfView(node, findPlace(place, place.runDirectory).pins ?? ''),
        adoption: ({ facts }) => Number(facts.socketHooks),
        rounds: 6,
      });
    }),
);
