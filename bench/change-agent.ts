/** A child of g2: the services room of a node, and changes one after the other when they are asked for. */
import { setTimeout as sleep } from 'node:timers/promises';
import { releaseMemory } from '../packages/agent/src/memory.ts';
import { openNetns } from '../packages/kernel/src/index.ts';
import { informersOf, requireReady, servicesRoom } from './service-node.ts';
import { changeAt, sliceObject } from './service-objects.ts';
import { milliseconds } from './turns.ts';

const [netnsPath = '', services = ''] = process.argv.slice(2);
const informers = informersOf(Number(services));
const room = servicesRoom(openNetns(netnsPath), informers);
let next = 0;

/** Each from the EndpointSlice event to the end of the commit, in ms. */
async function change(count: number): Promise<number[]> {
  const times: number[] = [];
  while (times.length < count) {
    const { service, replaced } = changeAt(next++, Number(services));
    const slice = sliceObject(service, replaced);
    times.push(
      await milliseconds(() => {
        informers.put('EndpointSlice', slice);
        return room.idle();
      }),
    );
  }
  return times;
}

process.on('disconnect', () => process.exit());
await room.start();
requireReady(room);
await sleep(1000);
releaseMemory(); // as an agent does, once all is in force
process.on('message', async (count: number) => process.send?.(await change(count)));
process.send?.('ready');
