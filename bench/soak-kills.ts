/**
 * `npm run soak:kills [-- TRANSACTIONS [SEED]]`: an agent of mode nftables is killed with -9 in the middle of each of 1,000
 * random transactions, under traffic. After each kill the kernel has to have the whole old or the whole new state, and the
 * next agent adopts it; no connection may notice. Needs root.
 */
import { CIDRS } from '../packages/services/src/faults/cluster-state.fixture.ts';
import { nftablesView } from '../packages/services/src/faults/kernel-view.fixture.ts';
import { killUnderTraffic } from '../packages/services/src/faults/kill-under-traffic.fixture.ts';
import { withWorld } from '../packages/services/src/world.fixture.ts';

const REPORTS = 20;
const [transactions = 1000, seed = Date.now() % 1_000_000] = process.argv.slice(2).map(Number);
if (!(transactions > 0)) throw new Error(`"${process.argv[2]}" is not a number of transactions`);
const started = performance.now();
const say = (text: string): void =>
  console.log(`${((performance.now() - started) / 1000).toFixed(0).padStart(4)} s  ${text}`);

say(`${transactions} transactions, seed ${seed}`);
await withWorld(async (world) => {
  const summary = await killUnderTraffic(world, {
    seed,
    setup: { config: CIDRS, runDirectory: '/nonexistent' },
    view: nftablesView(world.netns.node),
    rounds: transactions,
    progress: (round, so) => {
      if ((round + 1) % Math.ceil(transactions / REPORTS) === 0) say(`${round + 1} kills: ${JSON.stringify(so)}`);
    },
  });
  say(`nothing was lost: ${summary}`);
});
