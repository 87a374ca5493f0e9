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
import { createLogger, type Logger, messageOf, PodwireError } from '@podwire/base';
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
import { RoomErrors } from './room-errors.ts';
import { becomeRoot } from './root.ts';

/** What only the start needed is given back so long after it, in ms. */
const SETTLED = 1000;
/** How often it is looked whether what was wrong in rooms still is, in ms. */
const LOOK = 2000;

/** The agent of the node this runs on, until it is told to end, which it may be before it has started. */
export async function agent(flags: AgentFlags): Promise<number> {
  becomeRoot();
  const interruption = watchInterruption();
  followLauncher();
  const logger = createLogger({}, { node: nodeOf(flags) });
  try {
    await run(flags, interruption, logger);
    logger.info('stopped; what is in the kernel stays');
    return 0;
  } catch (error) {
    if (error !== interruption.signal.reason) throw error;
    logger.info('stopped before it ran');
    // What was interrupted may still wait for answers that do not come.
    return process.exit(0);
  } finally {
    interruption.end();
  }
}

async function run(flags: AgentFlags, interruption: Interruption, logger: Logger): Promise<void> {
  const config = clusterConfig(flags);
  const { endpoint } = await findContext({ file: flags.kubeconfig, context: flags.context, flag: '--kubeconfig' });
  const client = createKubeClient(endpoint);
  const failures = new FailureLog(logger);
  let running: Agent | undefined;
  const server = await serve(flags, {
    status: () => running?.status() ?? [],
    unreadable: () => failures.unreadable,
    metrics: () => running?.metrics() ?? [],
    proxyMode: () => running?.proxyMode,
  });
  try {
    running = await interruption.before(start(flags, { config, client, logger, onFailure: failures.onFailure }));
    setTimeout(releaseMemory, SETTLED).unref();
    const look = followErrors(running, logger);
    await interruption.happened.catch(() => {});
    clearInterval(look);
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
  return agent;
}

/** Logs what is wrong after the start, and when it is so no more; later, rooms log themselves what they cannot do. */
function followErrors(agent: Agent, logger: Logger): NodeJS.Timeout {
  const errors = new RoomErrors(logger, agent.status());
  const look = setInterval(() => {
    errors.look(agent.status());
    if (errors.empty) clearInterval(look);
  }, LOOK);
  return look.unref();
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
