/** The worker thread of one lab node: enters the node's netns and runs the agent there. Started by node-thread.ts. */
import { readlink } from 'node:fs/promises';
import { parentPort, workerData } from 'node:worker_threads';
import { startAgent } from '@podwire/agent';
import { createLogger, messageOf } from '@podwire/base';
import { enterNetns, openNetns } from '@podwire/kernel';
import { createKubeClient } from '@podwire/kube';
import type { NodeCall, NodeWorkerData } from './node-thread.ts';

const port = parentPort;
if (!port) throw new Error('node-worker.ts runs as a worker thread only');
const { nodeName, netns, config, apiSocket, runDirectory, stateDirectory } = workerData as NodeWorkerData;

// The libuv pool is shared by all threads: it must start in the namespace of the process, before this thread leaves it.
await readlink('/proc/thread-self/ns/net');
enterNetns(openNetns(netns));
const logger = createLogger({ write: (line) => port.postMessage({ log: line }) }, { node: nodeName });
const client = createKubeClient({ socketPath: apiSocket });
const agent = await startAgent({ nodeName, config, client, runDirectory, stateDirectory, logger });

const answer = async ({ method, room }: NodeCall): Promise<unknown> => {
  switch (method) {
    case 'status':
      return agent.status();
    case 'plan':
      return agent.plan(room);
    case 'diff':
      return agent.diff(room);
    case 'idle':
      return agent.idle();
    case 'stop':
      await agent.stop();
      client.close();
  }
};
port.on('message', async (call: NodeCall) => {
  try {
    port.postMessage({ id: call.id, result: await answer(call) });
  } catch (error) {
    port.postMessage({ id: call.id, error: messageOf(error) });
  }
});
port.postMessage({ ready: true });
