import { isIP } from 'node:net';
// not all of @podwire/agent, whose code is loaded by the command alone
import { ROOM_NAMES, type RoomName } from '@podwire/agent/rooms';
import { commandName } from '@podwire/base';
import type { ClusterConfig } from '@podwire/kube';
import { Command, InvalidArgumentError, Option } from 'commander';
import { PROXY_MODES } from './proxy-mode-names.ts';

export interface Place {
  readonly address: string;
  readonly port: number;
}

/** As the command line gives them. */
export interface AgentFlags {
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly node?: string;
  readonly config?: string;
  readonly rooms?: readonly RoomName[];
  readonly proxyMode?: ClusterConfig['proxyMode'];
  readonly runDir: string;
  readonly stateDir: string;
  /** undefined: nowhere. */
  readonly metricsAddress: Place | undefined;
}

const examples = (podwire: string): string => `
Examples:
  ${podwire} agent --node node-1                                    # in a DaemonSet: the API server and NODE_NAME of the pod
  ${podwire} agent --kubeconfig ./kubeconfig --node node-1 --config cluster.yaml
  ${podwire} agent --kubeconfig ./kubeconfig --rooms services       # a service proxy and nothing else
  curl http://127.0.0.1:10249/metrics                             # also /livez, /readyz?verbose, /healthz, /proxyMode

Needs root. Ctrl-C or SIGTERM ends it; what is in the kernel stays, and the next agent adopts it.`;

/** `podwire agent` with its flags. */
export function agentCommand(run: (flags: AgentFlags) => Promise<void>): Command {
  return new Command('agent')
    .description('be the network of one node of a cluster: the one this runs on, in the network namespace it runs in')
    .option('--kubeconfig <file>', 'how to reach the API server (default: as kubectl, or as a pod)')
    .option('--context <context>', 'of the kubeconfig (default: the current one)')
    .option('--node <name>', 'of the Node (default: NODE_NAME, or the host name)')
    .option('--config <file>', 'configuration of the cluster (YAML); every agent gets the same')
    .addOption(new Option('--rooms <rooms>', `only these of ${ROOM_NAMES.join(', ')}`).argParser(rooms))
    .addOption(
      new Option('--proxy-mode <mode>', 'how Services are balanced (default: as the configuration says)').choices(
        PROXY_MODES,
      ),
    )
    .option('--run-dir <dir>', 'sockets and what a reboot ends', '/run/podwire')
    .option('--state-dir <dir>', 'what outlives a reboot', '/var/lib/podwire')
    .addOption(
      new Option('--metrics-address <address:port>', 'where health and metrics are served; none: nowhere')
        .argParser(place)
        .default({ address: '127.0.0.1', port: 10249 }, '127.0.0.1:10249'),
    )
    .addHelpText('after', examples(commandName()))
    .action(run);
}

function rooms(text: string): AgentFlags['rooms'] {
  const names = text.split(',').map((name) => name.trim());
  return names.map((name) => {
    const known = ROOM_NAMES.find((one) => one === name);
    if (known === undefined)
      throw new InvalidArgumentError(`There is no room ${name}; there are ${ROOM_NAMES.join(', ')}.`);
    return known;
  });
}

function place(text: string): Place | undefined {
  if (text === 'none') return undefined;
  const [, address = '', port = ''] = /^\[?([0-9a-fA-F.:]+?)\]?:(\d{1,5})$/.exec(text) ?? [];
  if (isIP(address) === 0 || Number(port) > 65_535)
    throw new InvalidArgumentError('Write it like 127.0.0.1:10249 or [::1]:10249.');
  return { address, port: Number(port) };
}
