import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import {
  type Agent,
  type AgentOptions,
  type AgentServer,
  type AgentServerOptions,
  releaseMemory,
  serveAgent,
  startAgent,
} from '@podwire/agent';
import { createLogger, messageOf, PodwireError } from '@podwire/base';
import {
  type ClusterConfig,
  createKubeClient,
  FailureLog,
  findContext,
  parseClusterConfig,
  parseYaml,
} from '@podwire/kube';
import type { AgentFlags } from './agent-options.ts';
import { type Interruption, watchInterruption } from './interruption.ts';
import { followLauncher } from './launcher.ts';
import { makeDirectory } from './new-directory.ts';
import { becomeRoot } from './root.ts';

/** What only the start needed is given back so long after it, in ms. */
const SETTLED = 1000;

/** The agent of the node this runs on, until it is told to end, which it may be before it has started. */
export async function agent(flags: AgentFlags): Promise<number> {
  becomeRoot();
  const interruption = watchInterruption();
  followLauncher();
  try {
    await run(flags, interruption);
    return 0;
  } catch (error) {
    if (error !== interruption.signal.reason) throw error;
    // What was interrupted may still wait for answers that do not come.
    return process.exit(0);
  } finally {
    interruption.end();
  }
}

async function run(flags: AgentFlags, interruption: Interruption): Promise<void> {
  const config = clusterConfig(flags);
  const { endpoint } = await findContext({ file: flags.kubeconfig, context: flags.context });
  const client = createKubeClient(endpoint);
  const logger = createLogger({}, { node: nodeOf(flags) });
  const failures = new FailureLog(logger);
  let running: Agent | undefined;
  const server = await serve(flags, {
    status: () => running?.status() ?? [],
    hindrance: () => failures.reason,
    metrics: () => running?.metrics() ?? [],
    proxyMode: () => running?.proxyMode,
  });
  try {
    running = await interruption.before(start(flags, { config, client, logger, onFailure: failures.onFailure }));
    setTimeout(releaseMemory, SETTLED).unref();
    await interruption.happened.catch(() => {});
    await running.stop();
  } finally {
    server?.close();
    client.close();
  }
}

type Surroundings = Pick<AgentOptions, 'config' | 'client' | 'logger' | 'onFailure'>;

async function start(flags: AgentFlags, surroundings: Surroundings): Promise<Agent> {
  const { logger } = surroundings;
  const nodeName = nodeOf(flags);
  const [runDirectory, stateDirectory] = [path.resolve(flags.runDir), path.resolve(flags.stateDir)];
  for (const directory of [runDirectory, stateDirectory]) makeDirectory(directory);
  const rooms = flags.rooms && { rooms: flags.rooms };
  const agent = await startAgent({ ...surroundings, nodeName, runDirectory, stateDirectory, ...rooms });
  const unready = agent.status().filter(({ ready }) => !ready);
  logger.info('the agent runs', {
    rooms: agent.status().length,
    ...(unready.length > 0 && { unready: unready.map(({ room }) => room).join() }),
  });
  for (const { room, errors } of agent.status())
    for (const reason of errors) logger.error('something is wrong in a room', { room, reason });
  return agent;
}

const nodeOf = ({ node }: AgentFlags): string => node ?? (process.env.NODE_NAME || hostname());

function clusterConfig(flags: AgentFlags): ClusterConfig {
  const config = configFile(flags);
  return { ...config, proxyMode: flags.proxyMode ?? config.proxyMode };
}

function configFile({ config: file }: AgentFlags): ClusterConfig {
  if (file === undefined) return parseClusterConfig();
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    throw new PodwireError('CLI_USAGE', `${file} cannot be read: ${messageOf(cause)}`, { cause });
  }
  return parseClusterConfig(parseYaml(text, file));
}

type Answers = Omit<AgentServerOptions, 'address' | 'port' | 'version' | 'nodeName'>;

async function serve(flags: AgentFlags, answers: Answers): Promise<AgentServer | undefined> {
  if (!flags.metricsAddress) return undefined;
  const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
  return serveAgent({ ...flags.metricsAddress, ...answers, version, nodeName: nodeOf(flags) });
}
