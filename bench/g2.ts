/**
 * G2, one change while much is present: an EndpointSlice event until the kernel has it, at 10,000 Services, against the same
 * change by `nft -f -` on kube-proxy's shape; what a change costs at 50,000 Services over what it costs at 1,000; and one
 * element of a map of 50,000 by the nft library.
 */
import { withNetns } from '../packages/kernel/src/testing.ts';
import { openNft } from '../packages/nft/src/index.ts';
import { end, forkAgent, messageFrom, runInside } from './child.ts';
import { nftChange, nftShape } from './kube-proxy-shape.ts';
import { element, elementTable } from './map-table.ts';
import { type Part, printParts } from './part.ts';
import { type ServiceNode, withServiceNode } from './service-node.ts';
import { type ChangedService, changeAt, endpointAddress } from './service-objects.ts';
import { inTurn, median, milliseconds, quantile, ratios, spread } from './turns.ts';

const SERVICES = 10_000;
const [FEW, MANY] = [1000, 50_000];
/** Pairs of some changes of ours and one of the peer's, which takes much longer. */
const PAIRS = 20;
const CHANGES = 50;
/** Until the code of an agent has been compiled. */
const WARM_UP = 1000;
const SCALE_PAIRS = 15;
const ELEMENTS = 50_000;
const ELEMENT_CHANGES = 5000;
const ELEMENT_MICROSECONDS = 50;

/** Who has a ruleset of Services and changes it; the changes follow from their number. */
interface Changer {
  /** Milliseconds that each of some changes takes. */
  change(count: number): Promise<number[]>;
  /** Throws unless the last change is in force. */
  verify(): Promise<void>;
}

/** Connections are spread over two endpoints: 40 that miss one of them have a chance of 1e-12. */
async function requireEndpoint({ connect }: ServiceNode, { service, replaced }: ChangedService): Promise<void> {
  const seen = new Set<string>();
  for (let i = 0; i < 40; i++) seen.add(await connect(service));
  const wanted = [endpointAddress(service, 0, replaced), endpointAddress(service, 1)];
  if (JSON.stringify([...seen].sort()) !== JSON.stringify(wanted.sort()))
    throw new Error(`service ${service} leads to ${[...seen].join(' and ')} instead of ${wanted.join(' and ')}`);
}

/** The room of an agent, in a process of its own. */
function withRoom<T>(services: number, fn: (changer: Changer) => Promise<T>): Promise<T> {
  return withServiceNode(async (node) => {
    const agent = forkAgent('change-agent.ts', [node.netns.path, String(services)]);
    let done = 0;
    const change = (count: number): Promise<number[]> => {
      done += count;
      agent.send(count);
      return messageFrom<number[]>(agent);
    };
    try {
      await messageFrom(agent);
      await change(WARM_UP);
      return await fn({ change, verify: () => requireEndpoint(node, changeAt(done - 1, services)) });
    } finally {
      await end(agent);
    }
  });
}

function withKubeProxy<T>(services: number, fn: (changer: Changer) => Promise<T>): Promise<T> {
  return withServiceNode((node) => {
    runInside(node.netns, 'nft', ['-f', '-'], nftShape(services));
    let done = 0;
    const change = async (count: number): Promise<number[]> => {
      const times: number[] = [];
      for (; times.length < count; done++) {
        const { service, replaced } = changeAt(done, services);
        const text = nftChange(service, replaced);
        times.push(await milliseconds(() => runInside(node.netns, 'nft', ['-f', '-'], text)));
      }
      return times;
    };
    return fn({ change, verify: () => requireEndpoint(node, changeAt(done - 1, services)) });
  });
}

const one = async (changer: Changer): Promise<number> => (await changer.change(1))[0] ?? Number.NaN;

function oneChange(): Promise<Part[]> {
  return withRoom(SERVICES, (room) =>
    withKubeProxy(SERVICES, async (proxy) => {
      const all: number[] = [];
      const ours = async (): Promise<number> => {
        const some = await room.change(CHANGES);
        all.push(...some);
        return median(some);
      };
      const measured = await inTurn(PAIRS, { ours, peer: () => one(proxy) });
      await room.verify();
      await proxy.verify();
      const [p50, p99] = [median(all), quantile(all, 0.99)];
      const detail = `${SERVICES} Services, ${PAIRS} pairs, ${all.length} changes: ours p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms; nft -f - ${spread(measured.peer, 'ms', 0)}`;
      return [
        { name: 'change', ratio: median(ratios(measured.peer, measured.ours)), must: 500, stretch: 3000, detail },
        { name: 'p99', ratio: 1 / p99, must: 1, stretch: 5, detail: `1 ms allowed, ${p99.toFixed(2)} ms measured` },
      ];
    }),
  );
}

function scale(): Promise<Part> {
  return withRoom(FEW, (few) =>
    withRoom(MANY, async (many) => {
      const costs = await inTurn(SCALE_PAIRS, { few: () => one(few), many: () => one(many) });
      await few.verify();
      await many.verify();
      const detail = `a change at ${FEW}: ${spread(costs.few, 'ms', 2)}, at ${MANY}: ${spread(costs.many, 'ms', 2)}`;
      return { name: 'scale', ratio: median(ratios(costs.few, costs.many)), must: 0.77, stretch: 1, detail };
    }),
  );
}

/** An element gets another value at each change: in one transaction it goes and comes. */
function oneElement(): Promise<Part> {
  return withNetns(1, async (netns) => {
    const nft = openNft(netns);
    try {
      const table = elementTable(ELEMENTS);
      nft.apply(table);
      const times: number[] = [];
      const elements = table.sets.flatMap((set) => [...set.elements]);
      for (let i = -ELEMENT_CHANGES; i < ELEMENT_CHANGES; i++) {
        const at = Math.abs(i * 7919) % ELEMENTS;
        const add = [element(at, ELEMENTS + i)];
        const started = performance.now();
        nft.change(table, [{ set: 'services', add }]);
        if (i >= 0) times.push(performance.now() - started); // the ones before warm up
        elements.splice(at, 1, ...add);
      }
      const sets = table.sets.map((set) => ({ ...set, elements }));
      if (nft.drift({ ...table, sets }).length > 0) throw new Error('the kernel has other elements than were written');
      const [p50, p99] = [median(times) * 1000, quantile(times, 0.99) * 1000];
      const detail = `${ELEMENT_MICROSECONDS} us allowed; ${times.length} changes at ${ELEMENTS}: p50 ${p50.toFixed(1)} us, p99 ${p99.toFixed(1)} us`;
      return { name: 'element', ratio: ELEMENT_MICROSECONDS / p50, must: 1, stretch: 2, detail };
    } finally {
      nft.close();
    }
  });
}

const parts = [await oneElement(), ...(await oneChange()), await scale()];
printParts('g2', parts);
