/** A child of g24: the services room of a node on a list and watch of the API server, and nothing else. */
import { releaseMemory } from '../packages/agent/src/memory.ts';
import { openNetns } from '../packages/kernel/src/index.ts';
import { createInformers, createKubeClient } from '../packages/kube/src/index.ts';
import { requireReady, servicesRoom } from './service-node.ts';

const [netnsPath = '', socketPath = ''] = process.argv.slice(2);
const client = createKubeClient({ socketPath });
const room = servicesRoom(openNetns(netnsPath), createInformers(client));
process.on('disconnect', () => process.exit());
await room.start();
requireReady(room);
process.send?.(room.status().facts);
setTimeout(releaseMemory, 1000);
process.on('message', async () => {
  await room.idle();
  process.send?.(room.status().facts);
});
