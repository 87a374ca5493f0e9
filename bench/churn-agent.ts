/** A child of g3: the services room of a node, and changes of endpoints at a given rate. */
import { setTimeout as sleep } from 'node:timers/promises';
import { openNetns } from '../packages/kernel/src/index.ts';
import type { FakeInformers } from '../packages/kube/src/testing.ts';
import { informersOf, requireReady, servicesRoom } from './service-node.ts';
import { changeAt, sliceObject } from './service-objects.ts';
import { quantile } from './turns.ts';

export interface ChurnRequest {
  readonly changes: number;
  readonly perSecond: number;
}

export interface ChurnResult {
  readonly seconds: number;
  /** From the EndpointSlice event to the end of the commit, in ms. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** Of the whole process, in microseconds a change. */
  readonly cpu: number;
  /** Passes that had something to write. */
  readonly passes: number;
  /** What the kernel does not have as it should; empty when no change was lost. */
  readonly drift: readonly string[];
}

const [netnsPath = '', services = ''] = process.argv.slice(2);
const netns = openNetns(netnsPath);
const informers: FakeInformers = informersOf(Number(services));
const room = servicesRoom(netns, informers);
let next = 0;

async function churn({ changes, perSecond }: ChurnRequest): Promise<ChurnResult> {
  const times: number[] = [];
  const passesBefore = Number(room.status().facts.passes);
  const cpuBefore = process.cpuUsage();
  const started = performance.now();
  while (times.length < changes) {
    if (performance.now() - started < (times.length * 1000) / perSecond) {
      await sleep(1);
      continue;
    }
    const { service, replaced } = changeAt(next++, Number(services));
    const slice = sliceObject(service, replaced);
    const at = performance.now();
    informers.put('EndpointSlice', slice);
    await room.idle();
    times.push(performance.now() - at);
  }
  const seconds = (performance.now() - started) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  requireReady(room);
  const passes = Number(room.status().facts.passes) - passesBefore;
  const drift = (await room.diff()).map(({ what }) => what);
  const [p50, p99] = [quantile(times, 0.5), quantile(times, 0.99)];
  return { seconds, p50, p99, max: Math.max(...times), cpu: (user + system) / changes, passes, drift };
}

await room.start();
requireReady(room);
process.on('message', async (request: ChurnRequest) => process.send?.(await churn(request)));
process.on('disconnect', () => process.exit());
process.send?.('ready');
