/**
 * G1, cold sync: 10,000 Services with two endpoints each, from API objects in memory until a connect to the last one is
 * answered, against `nft -f -` of kube-proxy's shape and `iptables-legacy-restore` of the classic one (their texts are
 * rendered before the clock starts). And the rate at which the nft library loads a map, in elements a second.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Netns } from '../packages/kernel/src/index.ts';
import { withNetns } from '../packages/kernel/src/testing.ts';
import { openNft } from '../packages/nft/src/index.ts';
import { runInside } from './child.ts';
import { iptablesShape, nftShape } from './kube-proxy-shape.ts';
import { elementTable } from './map-table.ts';
import { printParts } from './part.ts';
import { informersOf, requireReady, servicesRoom, withServiceNode } from './service-node.ts';
import { inTurn, median, milliseconds, ratios, spread } from './turns.ts';

const SERVICES = 10_000;
const ROUNDS = 5;
const ELEMENTS = 50_000;
const ELEMENT_ROUNDS = 9;
const ELEMENTS_PER_SECOND = 400_000;

/** Time until the last service answers, in a fresh namespace. */
function coldSync(write: (netns: Netns) => Promise<() => Promise<void>>): () => Promise<number> {
  return async () => {
    const took = await withServiceNode(async ({ netns, connect }) => {
      let finish = async (): Promise<void> => {};
      const measured = await milliseconds(async () => {
        finish = await write(netns);
        await connect(SERVICES - 1);
      });
      for (const service of [0, SERVICES >> 1]) await connect(service);
      await finish();
      return measured;
    });
    await sleep(1000); // the kernel takes the namespace apart in the background
    return took;
  };
}

function textSync(command: string, args: readonly string[], text: string): () => Promise<number> {
  return coldSync(async (netns) => {
    runInside(netns, command, args, text);
    return async () => {};
  });
}

async function coldSyncs() {
  const informers = informersOf(SERVICES);
  const [nft, iptables] = [nftShape(SERVICES), iptablesShape(SERVICES)];
  return inTurn(
    ROUNDS,
    {
      ours: coldSync(async (netns) => {
        const room = servicesRoom(netns, informers);
        await room.start();
        requireReady(room);
        return () => room.stop();
      }),
      nft: textSync('nft', ['-f', '-'], nft),
      iptables: textSync('iptables-legacy-restore', [], iptables),
    },
    false,
  );
}

/** Loads the map and counts what the kernel has afterwards; elements a second. */
async function elementRate(): Promise<number> {
  const table = elementTable(ELEMENTS);
  const rate = await withNetns(1, async (netns) => {
    const nft = openNft(netns);
    try {
      const ms = await milliseconds(() => nft.apply(table));
      const present = nft.observe(table.family, table.name)?.sets[0]?.elements.length;
      if (present !== ELEMENTS) throw new Error(`${present} elements are in the kernel, not ${ELEMENTS}`);
      return (ELEMENTS / ms) * 1000;
    } finally {
      nft.close();
    }
  });
  await sleep(300);
  return rate;
}

const { rate } = await inTurn(ELEMENT_ROUNDS, { rate: elementRate });
const { ours, nft, iptables } = await coldSyncs();
const cold = (peer: readonly number[], name: string) =>
  `${ROUNDS} pairs: ours ${spread(ours, 'ms', 0)}, ${name} ${spread(peer, 'ms', 0)}, pairs ${spread(ratios(peer, ours), 'x')}`;
printParts('g1', [
  { name: 'nft', ratio: median(ratios(nft, ours)), must: 60, stretch: 200, detail: cold(nft, 'nft -f -') },
  {
    name: 'iptables',
    ratio: median(ratios(iptables, ours)),
    must: 2,
    stretch: 5,
    detail: cold(iptables, 'iptables-legacy-restore'),
  },
  {
    name: 'elements',
    ratio: median(rate) / ELEMENTS_PER_SECOND,
    must: 1,
    stretch: 1.5,
    detail: `${ELEMENTS} elements, ${ELEMENT_ROUNDS} rounds: ${spread(
      rate.map((r) => r / 1000),
      'k elements/s',
      0,
    )}`,
  },
]);
