import { commandName } from '@podwire/base';
import { Command, InvalidArgumentError, Option } from 'commander';

/** As the command line gives them; checked where they are used. */
export interface ApiServerFlags {
  readonly dataDir?: string;
  readonly inMemory?: boolean;
  readonly listen: string;
  readonly port: number;
  readonly kubeconfig?: string;
  readonly serviceCidr: readonly string[];
  readonly nodePortRange: readonly [first: number, last: number];
  readonly podCidr: readonly string[];
  readonly advertiseAddress?: string;
  readonly tlsSan: readonly string[];
  readonly auditFile?: string;
  readonly etcdServers: readonly string[];
  readonly etcdPrefix: string;
  readonly etcdCafile?: string;
  readonly etcdCertfile?: string;
  readonly etcdKeyfile?: string;
  readonly withControllers?: boolean;
}

const examples = (podwire: string): string => `
Examples:
  ${podwire} apiserver                                  # then, in another terminal, the kubectl line it prints
  ${podwire} apiserver --in-memory --port 0 --kubeconfig ./kubeconfig
  ${podwire} apiserver --with-controllers               # Deployments make Pods; nobody runs them
  ${podwire} apiserver --etcd-servers http://10.0.0.1:2379,http://10.0.0.2:2379
  ${podwire} apiserver --service-cidr 10.96.0.0/12,fd00:96::/112 --node-port-range 30000-30999

Needs no root. Ctrl-C or SIGTERM ends it; the objects stay in the data directory.`;

/** `podwire apiserver` with its flags. */
export function apiServerCommand(run: (flags: ApiServerFlags) => Promise<void>): Command {
  return new Command('apiserver')
    .description('serve the Kubernetes API alone: for kubectl, clients and tests, without nodes')
    .option('--data-dir <dir>', 'where objects and keys are kept (default: ~/.local/state/podwire/apiserver)')
    .addOption(new Option('--in-memory', 'keep nothing').conflicts('dataDir'))
    .addOption(
      new Option('--listen <address>', 'address of this machine to listen at').default('127.0.0.1', '127.0.0.1'),
    )
    .option('--port <port>', '0: one that is free', portNumber, 6443)
    .option('--kubeconfig <file>', 'where the kubeconfig is written (default: kubeconfig in the data directory)')
    .addOption(listed('--service-cidr <ranges>', 'addresses of Services, one range per family', '10.96.0.0/12'))
    .addOption(
      new Option('--node-port-range <first-last>', 'ports of Services on nodes')
        .argParser(portRange)
        .default([30000, 32767], '30000-32767'),
    )
    .addOption(listed('--pod-cidr <ranges>', 'addresses of Pods, which controllers give to Nodes', '10.244.0.0/16'))
    .option('--advertise-address <address>', 'where Pods reach the server: published as Service default/kubernetes')
    .addOption(listed('--tls-san <names>', 'further names and addresses of the serving certificate'))
    .addOption(
      listed('--etcd-servers <urls>', 'keep objects in etcd, of which this is the only writer from now on').argParser(
        urls,
      ),
    )
    .option('--etcd-prefix <path>', 'of all keys in etcd', '/registry')
    .option('--etcd-cafile <file>', 'certificate authority of etcd, as PEM')
    .option('--etcd-certfile <file>', 'certificate to show to etcd')
    .option('--etcd-keyfile <file>', 'key of that certificate')
    .option('--audit-file <file>', 'gets a line of JSON for each request')
    .option('--with-controllers', 'run the control plane, too: Deployments, EndpointSlices, garbage collection ...')
    .addHelpText('after', examples(commandName()))
    .action(run);
}

/** Written with commas in between. */
function listed(signature: string, description: string, first?: string): Option {
  const option = new Option(signature, description).argParser(list);
  return first === undefined ? option.default([], 'none') : option.default([first], first);
}

const list = (text: string): string[] => text.split(',').map((part) => part.trim());

function urls(text: string): string[] {
  const all = list(text);
  const isUrl = (one: string) => /^https?:\/\/./.test(one) && URL.canParse(one);
  if (!all.every(isUrl)) throw new InvalidArgumentError('Write them like http://10.0.0.1:2379,http://10.0.0.2:2379.');
  return all;
}

function portNumber(text: string): number {
  const port = Number(text);
  if (!/^\d{1,5}$/.test(text) || port > 65_535) throw new InvalidArgumentError('Write a number from 0 to 65535.');
  return port;
}

function portRange(text: string): [first: number, last: number] {
  const [, first, last] = /^(\d{1,5})-(\d{1,5})$/.exec(text) ?? [];
  if (first === undefined || last === undefined) throw new InvalidArgumentError('Write it like 30000-32767.');
  return [Number(first), Number(last)];
}
