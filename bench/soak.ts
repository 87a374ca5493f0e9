/**
 * `npm run soak [-- SHARE]`: a million netlink round trips and 1,300 workers, each with a network namespace, netlink and
 * sockets of its own; then descriptors, threads and namespaces must be as before and memory must have stopped growing.
 * SHARE of all that, default 1. Needs root.
 */
import { openNetlink } from '../packages/kernel/src/index.ts';
import { withNetns } from '../packages/kernel/src/testing.ts';
import { differences, type Footprint, footprint, formatFootprint } from './footprint.ts';
import { RoundTrips } from './soak-round-trips.ts';
import { soakWorkers } from './soak-workers.ts';

const share = Number(process.argv[2] ?? 1);
if (!(share > 0)) throw new Error(`"${process.argv[2]}" is not a share such as 0.1`);
const [ROUND_TRIPS, WORKERS] = [Math.ceil(1_000_000 * share), Math.ceil(1300 * share)];
/** What is done before the first footprint, so that caches and compiled code are in it. */
const WARM_UP = { roundTrips: Math.ceil(ROUND_TRIPS / 20), workers: Math.min(40, WORKERS) };
const STEPS = 10;
const started = performance.now();

function say(text: string): void {
  console.log(`${((performance.now() - started) / 1000).toFixed(0).padStart(4)} s  ${text}`);
}

async function inSteps(total: number, work: (count: number) => Promise<void>, describe: () => string): Promise<void> {
  for (let step = 0; step < STEPS; step++) {
    const count = Math.ceil((total * (step + 1)) / STEPS) - Math.ceil((total * step) / STEPS);
    if (count > 0) await work(count);
    say(`${describe()}; ${formatFootprint(await footprint())}`);
  }
}

function unlike(what: string, before: Footprint, after: Footprint): string[] {
  return differences(before, after).map((difference) => `${what}: ${difference}`);
}

const failures: string[] = [];
openNetlink('route').close(); // loads koffi

await withNetns(2, async (netns, peer) => {
  const trips = new RoundTrips(netns, peer);
  await trips.run(WARM_UP.roundTrips);
  const before = await footprint();
  await inSteps(
    ROUND_TRIPS - WARM_UP.roundTrips,
    (count) => trips.run(count),
    () => trips.summary,
  );
  failures.push(...unlike('round trips', before, await footprint()), ...trips.close());
});

let workers = 0;
const start = async (count: number): Promise<void> => {
  await soakWorkers(count);
  workers += count;
};
await start(WARM_UP.workers);
const before = await footprint();
await inSteps(WORKERS - WARM_UP.workers, start, () => `${workers} workers started and stopped`);
failures.push(...unlike('workers', before, await footprint()));

for (const failure of failures) console.error(`FAILED ${failure}`);
say(failures.length > 0 ? `${failures.length} failures` : 'nothing leaked, nothing crashed');
process.exitCode = failures.length > 0 ? 1 : 0;
