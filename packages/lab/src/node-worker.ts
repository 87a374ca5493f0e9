/** The worker thread of one lab node: enters the node's netns and runs the agent there. Started by node-thread.ts. */
import { readlink } from 'node:fs/promises';
import { parentPort } from 'node:worker_threads';
import { type Agent, startAgent } from '@podwire/agent';
import { createLogger, messageOf } from '@podwire/base';
import { enterNetns, openNetns } from '@podwire/kernel';
import { createKubeClient, type KubeClient } from '@podwire/kube';
import type { NodeCall, NodeRequest, NodeWorkerData } from './node-thread.ts';

const port = parentPort;
if (!port) throw new Error('node-worker.ts runs as a worker thread only');
let client: KubeClient;
let agent: Agent;

async function start({
  nodeName,
  netns,
  config,
  apiSocket,
  tokenFile,
  runDirectory,
  stateDirectory,
}: NodeWorkerData): Promise<void> {
  // The libuv pool is shared by all threads: it must start in the namespace of the process, before this thread leaves it.
  await readlink('/proc/thread-self/ns/net');
  enterNetns(openNetns(netns));
  const logger = createLogger({ write: (line) => port?.postMessage({ log: line }) }, { node: nodeName });
  client = createKubeClient({ socketPath: apiSocket, tokenFile });
  agent = await startAgent({ nodeName, config, client, runDirectory, stateDirectory, logger });
}

async function answer(request: NodeRequest): Promise<unknown> {
  switch (request.method) {
    case 'start':
      return start(request.data);
    case 'status':
      return agent.status();
    case 'plan':
      return agent.plan(request.room);
    case 'diff':
      return agent.diff(request.room);
    case 'idle':
      return agent.idle();
    case 'setProxyMode':
      return agent.setProxyMode(request.mode);
    case 'stop':
      await agent.stop();
      client.close();
      return;
    case 'exit':
      process.exit(0);
  }
}

port.on('message', async (call: NodeCall) => {
  try {
    port.postMessage({ id: call.id, result: await answer(call) });
  } catch (error) {
    port.postMessage({ id: call.id, error: messageOf(error) });
  }
});
