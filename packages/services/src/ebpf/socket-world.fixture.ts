import { type ProbeName, probe } from '@podwire/kernel/probe';
import type { ProxyMode } from '../proxy.ts';
import { type World, type WorldOptions, withWorld } from '../world.fixture.ts';
import { type SocketPlaceFixture, withSocketPlace } from './socket-place.fixture.ts';

const PROBES: readonly ProbeName[] = [
  'bpf-cgroup-connect4',
  'bpf-cgroup-link',
  'bpf-get-netns-cookie',
  'bpf-get-socket-cookie',
  'bpf-map-batch',
  'bpf-lru',
];

/** For the `skip` of tests. */
export function lackingSocketProbe(): string | false {
  const name = PROBES.find((one) => probe(one).outcome !== 'yes');
  return name === undefined ? false : `probe ${name}: ${probe(name).reason}`;
}

/** A world whose sockets are looked at in a cgroup of the test's own. */
export function withSocketWorld(
  proxyMode: ProxyMode,
  fn: (world: World, place: SocketPlaceFixture) => Promise<void>,
  {
    pinned = true,
    ...options
  }: Pick<WorldOptions, 'dualStack' | 'secondNode' | 'config'> & { readonly pinned?: boolean } = {},
): Promise<void> {
  return withSocketPlace((place) =>
    withWorld(
      (world) => fn(world, place),
      ({ client, near1, near2 }) => ({
        proxyMode,
        ...options,
        runDirectory: place.runDirectory,
        sockets: {
          cgroup: place.cgroup,
          ...(pinned && { bpffs: place.bpffs }),
          podNamespaces: () => [client, near1, near2].map((netns) => netns.path),
        },
      }),
    ),
  );
}
