/**
 * G3, churn: 1,000 changes of endpoints a second for 10 s at 10,000 Services, each an EndpointSlice event and a transaction
 * of its own, under live traffic, in an agent process of its own. Nothing may be lost, reset or refused. The CPU time of a
 * change is compared with that of the same change of the same ruleset by one `nft -f -`, in turn.
 */
import type { ChildProcess } from 'node:child_process';
import { end, forkAgent, messageFrom } from './child.ts';
import type { ChurnRequest, ChurnResult } from './churn-agent.ts';
import { LiveTraffic, type TrafficSummary } from './live-traffic.ts';
import { printParts } from './part.ts';
import { type ServiceNode, withServiceNode } from './service-node.ts';
import { type ChangedService, changeAt, endpointAddress } from './service-objects.ts';
import { TextPeer } from './text-peer.ts';
import { inTurn, median, ratios, spread } from './turns.ts';

const SERVICES = 10_000;
const PER_SECOND = 1000;
const CHANGES = 10 * PER_SECOND;
const ROUNDS = 5;
const OPEN_CONNECTIONS = 100;
const PEER_CHANGES = 300;

async function ask(agent: ChildProcess, request: ChurnRequest): Promise<ChurnResult> {
  agent.send(request);
  return messageFrom<ChurnResult>(agent);
}

function requireKept({ drift, passes }: ChurnResult): void {
  if (drift.length) throw new Error(`the kernel lacks ${drift.length} changes: ${drift.slice(0, 3).join('; ')}`);
  if (passes !== CHANGES) throw new Error(`${CHANGES} changes were ${passes} transactions`);
}

/** A connection leads to an endpoint that the API objects have. */
async function requireEndpoint({ connect }: ServiceNode, { service, replaced }: ChangedService): Promise<void> {
  const wanted = [endpointAddress(service, 0, replaced), endpointAddress(service, 1)];
  const reached = await connect(service);
  if (!wanted.includes(reached)) throw new Error(`service ${service} leads to ${reached}, not to ${wanted.join()}`);
}

function report(
  cpu: Readonly<Record<'ours' | 'peer', readonly number[]>>,
  results: readonly ChurnResult[],
  summaries: readonly TrafficSummary[],
): void {
  const of = (value: (result: ChurnResult) => number): number[] => results.map(value);
  const sum = (value: (summary: TrafficSummary) => number): number => summaries.map(value).reduce((a, b) => a + b);
  console.log(
    `${results.length * CHANGES} changes, as many transactions, none lost; ${OPEN_CONNECTIONS} connections stayed open for ${sum(({ echoes }) => echoes)} echoes, ${sum(({ connects }) => connects)} new ones were answered`,
  );
  const [p50, p99] = [of((result) => result.p50), of((result) => result.p99)];
  console.log(
    `from event to commit: p50 ${spread(p50, 'ms', 3)}, p99 ${spread(p99, 'ms', 3)}, longest ${Math.max(...of(({ max }) => max)).toFixed(1)} ms`,
  );
  const rates = of(({ seconds }) => CHANGES / seconds);
  printParts('g3', [
    {
      name: 'cpu',
      ratio: median(ratios(cpu.peer, cpu.ours)),
      must: 10,
      stretch: 30,
      detail: `${ROUNDS} pairs: ours ${spread(cpu.ours, 'us')} a change with everything, nft -f - ${spread(cpu.peer, 'us', 0)}`,
    },
    {
      name: 'rate',
      ratio: median(rates) / PER_SECOND,
      must: 0.99,
      stretch: 1,
      detail: `${PER_SECOND} a second wanted: ${spread(rates, 'a second', 0)}`,
    },
  ]);
}

await withServiceNode((peerNode) =>
  withServiceNode(async (node) => {
    const agent = forkAgent('churn-agent.ts', [node.netns.path, String(SERVICES)]);
    const results: ChurnResult[] = [];
    const summaries: TrafficSummary[] = [];
    try {
      await messageFrom(agent);
      const peer = new TextPeer(peerNode.netns, SERVICES);
      const ours = async (): Promise<number> => {
        const traffic = new LiveTraffic(node, SERVICES);
        await traffic.start(OPEN_CONNECTIONS);
        const result = await ask(agent, { changes: CHANGES, perSecond: PER_SECOND });
        summaries.push(await traffic.stop());
        results.push(result);
        requireKept(result);
        for (let at = 0; at < CHANGES; at += 499)
          await requireEndpoint(node, changeAt(at + (results.length - 1) * CHANGES, SERVICES));
        return result.cpu;
      };
      const cpu = await inTurn(ROUNDS, { ours, peer: () => peer.change(PEER_CHANGES) }, false);
      for (let at = 0; at < peer.changed; at += 97) await requireEndpoint(peerNode, changeAt(at, SERVICES));
      report(cpu, results, summaries);
    } finally {
      await end(agent);
    }
  }),
);
