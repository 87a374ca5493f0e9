/**
 * G4, routes: 100,000 /32 routes by a next hop, from TypeScript objects to the FIB, against `ip -batch` of a file that is
 * there already. Each run has a fresh network namespace, and asks the kernel for the last route before the clock stops.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { IpAddress, Prefix } from '../packages/base/src/index.ts';
import type { Netns } from '../packages/kernel/src/index.ts';
import { withNetns } from '../packages/kernel/src/testing.ts';
import { openNet, type Route } from '../packages/net/src/index.ts';
import { ip, runInside } from './child.ts';
import { printParts } from './part.ts';
import { inTurn, median, milliseconds, ratios, spread } from './turns.ts';

const ROUTES = 100_000;
const ROUNDS = 7;
const VIA = '10.1.0.2' as IpAddress;

const destination = (i: number): string => `10.${64 + (i >> 16)}.${(i >> 8) & 255}.${i & 255}`;
const LAST = destination(ROUTES - 1);
const routes = Array.from(
  { length: ROUTES },
  (_, i): Route => ({ destination: `${destination(i)}/32` as Prefix, via: VIA, link: 'out' }),
);
const folder = mkdtempSync(path.join(os.tmpdir(), 'podwire-g4-'));
const batch = path.join(folder, 'routes');
writeFileSync(batch, routes.map((r) => `route add ${r.destination} via ${r.via} dev ${r.link}\n`).join(''));

/** No other route leads there, so an answer means that the route is in the FIB. */
function requireLast(netns: Netns): void {
  const { stdout } = netns.run(() => spawnSync('ip', ['route', 'get', LAST], { encoding: 'utf8' }));
  if (!stdout.includes(`via ${VIA}`)) throw new Error(`there is no route to ${LAST}: ${stdout}`);
}

function inFreshNetns(write: (netns: Netns) => void): () => Promise<number> {
  return async () => {
    const took = await withNetns(1, async (netns) => {
      ip(
        netns,
        'link add out type veth peer name far',
        'link set far up',
        'link set out up',
        'addr add 10.1.0.1/24 dev out',
      );
      const measured = await milliseconds(() => {
        write(netns);
        requireLast(netns);
      });
      const net = openNet(netns);
      const count = net.routes().filter((route) => route.via === VIA).length;
      net.close();
      if (count !== ROUTES) throw new Error(`${count} routes are there, not ${ROUTES}`);
      return measured;
    });
    await sleep(500); // the kernel takes the namespace and its routes apart in the background
    return took;
  };
}

function applyRoutes(netns: Netns): void {
  const net = openNet(netns);
  const failed = net.applyRoutes({ add: routes, remove: [] }).find(({ error }) => error);
  net.close();
  if (failed) throw failed.error;
}

try {
  const { ours, peer } = await inTurn(ROUNDS, {
    ours: inFreshNetns(applyRoutes),
    peer: inFreshNetns((netns) => runInside(netns, 'ip', ['-batch', batch])),
  });
  const pairs = ratios(peer, ours);
  const rate = (ms: number): string => `${Math.round(ROUTES / ms)}k/s`;
  const detail = `ours ${spread(ours, 'ms', 0)}, ${rate(median(ours))}; ip -batch ${spread(peer, 'ms', 0)}, ${rate(median(peer))}; pairs ${spread(pairs, 'x', 2)}`;
  printParts('g4', [{ name: 'routes', ratio: median(pairs), must: 2, stretch: 3, detail }]);
} finally {
  rmSync(folder, { recursive: true });
}
