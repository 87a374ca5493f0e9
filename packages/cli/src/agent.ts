import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { type Agent, type AgentServer, releaseMemory, serveAgent, startAgent } from '@podwire/agent';
import { createLogger, messageOf, PodwireError } from '@podwire/base';
import {
  type ClusterConfig,
  createKubeClient,
  findContext,
  type KubeClient,
  parseClusterConfig,
  parseYaml,
} from '@podwire/kube';
import type { AgentFlags } from './agent-options.ts';
import { INTERRUPTED, watchInterruption } from './interruption.ts';
import { followLauncher } from './launcher.ts';
import { makeDirectory } from './new-directory.ts';
import { becomeRoot } from './root.ts';

/** What only the start needed is given back so long after it, in ms. */
const SETTLED = 1000;

/** The agent of the node this runs on, until it is told to end. */
export async function agent(flags: AgentFlags): Promise<number> {
  becomeRoot();
  followLauncher();
  const config = clusterConfig(flags);
  const { endpoint } = await findContext({ file: flags.kubeconfig, context: flags.context });
  const client = createKubeClient(endpoint);
  let running: Agent | undefined;
  const server = await serve(flags, () => running?.status() ?? []);
  const interruption = watchInterruption();
  try {
    running = await interruption.before(start(flags, config, client));
    setTimeout(releaseMemory, SETTLED).unref();
    await interruption.happened.catch(() => {});
    await running.stop();
    return 0;
  } catch (error) {
    if (!interruption.signal.aborted) throw error;
    // What was interrupted may still wait for answers that do not come.
    return process.exit(INTERRUPTED);
  } finally {
    server?.close();
    client.close();
    interruption.end();
  }
}

async function start(flags: AgentFlags, config: ClusterConfig, client: KubeClient): Promise<Agent> {
  const nodeName = nodeOf(flags);
  const [runDirectory, stateDirectory] = [path.resolve(flags.runDir), path.resolve(flags.stateDir)];
  for (const directory of [runDirectory, stateDirectory]) makeDirectory(directory);
  const logger = createLogger({}, { node: nodeName });
  const rooms = flags.rooms && { rooms: flags.rooms };
  const agent = await startAgent({ nodeName, config, client, runDirectory, stateDirectory, logger, ...rooms });
  const unready = agent.status().filter(({ ready }) => !ready);
  logger.info('the agent runs', {
    rooms: agent.status().length,
    ...(unready.length > 0 && { unready: unready.map(({ room }) => room).join() }),
  });
  return agent;
}

const nodeOf = ({ node }: AgentFlags): string => node ?? (process.env.NODE_NAME || hostname());

function clusterConfig({ config: file }: AgentFlags): ClusterConfig {
  if (file === undefined) return parseClusterConfig();
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new PodwireError('CLI_USAGE', `${file} cannot be read: ${messageOf(cause)}`, { cause });
  }
  return parseClusterConfig(parseYaml(text, file));
}

async function serve(flags: AgentFlags, status: () => ReturnType<Agent['status']>): Promise<AgentServer | undefined> {
  if (!flags.metricsAddress) return undefined;
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  return serveAgent({ ...flags.metricsAddress, version, nodeName: nodeOf(flags), status });
}
