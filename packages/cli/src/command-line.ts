import { commandName, PodwireError } from '@podwire/base';
import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { agentCommand } from './agent-options.ts';
import { apiServerCommand } from './apiserver-options.ts';
import { printable } from './printable.ts';
import { PROXY_MODES } from './proxy-mode-names.ts';

/** Errors that are about what was asked, not about what happened. */
const USAGE_CODES: ReadonlySet<string> = new Set([
  'CLI_USAGE',
  'LAB_BAD_CONFIG',
  'LAB_OVERLAP',
  'KUBE_BAD_CONFIG',
  'TRACE_TARGET',
  'TRACE_NO_POD',
  'TRACE_NO_ENDPOINT',
]);

/** 0 ok, 1 failed or different, 2 usage. */
export type ExitCode = number;

/** Command lines for the end of a command's help. */
const examples = (first: string, ...more: readonly string[]): string =>
  [
    more.length === 0 ? '\nExample:' : '\nExamples:',
    ...[first, ...more].map((line) => `  ${commandName()} ${line}`),
  ].join('\n');
const wholeNumber = (text: string): number => {
  if (!/^\d{1,5}$/.test(text)) throw new InvalidArgumentError('Write a whole number.');
  return Number(text);
};
const collect = (value: string, all: string[]): string[] => [...all, value];
const proxyMode = (description: string): Option => new Option('--proxy-mode <mode>', description).choices(PROXY_MODES);
/** Options of commands that can do without a lab. */
const shaped = (command: Command): Command =>
  command
    .option('-f, --filename <manifest>', 'of this manifest alone, without a lab and root; may be repeated', collect, [])
    .option('--nodes <n>', 'with -f: how many nodes (default: 3)', wholeNumber)
    .option('--config <file>', 'with -f: lab configuration (YAML); flags go first')
    .addOption(new Option('--backend <backend>', 'with -f').choices(['host-gw', 'vxlan']))
    .addOption(new Option('--wiring <wiring>', 'with -f').choices(['ptp', 'bridge']));
const output = (): Option => new Option('-o, --output <form>', 'how to print').choices(['json', 'yaml', 'wide']);

/** Parses and runs one command; errors become one line on stderr. */
export async function runCommandLine(args: readonly string[]): Promise<ExitCode> {
  let code: ExitCode = 0;
  const program = buildProgram((result) => {
    code = result;
  });
  try {
    await program.parseAsync([...args], { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (!(error instanceof PodwireError)) throw error;
    process.stderr.write(`podwire: ${printable(error.message)}\n`);
    return USAGE_CODES.has(error.code) ? 2 : 1;
  }
}

function buildProgram(finish: (code: ExitCode) => void): Command {
  const program = new Command(commandName())
    .description('The whole Kubernetes network in one program.')
    .version('0.1.0')
    .exitOverride()
    .enablePositionalOptions()
    .showHelpAfterError(`(${commandName()} --help lists the commands)`)
    // Once for every command: the name becomes part of paths that are made and removed.
    .hook('preAction', async (_, called) => {
      const { name } = called.opts<{ name?: string }>();
      if (name !== undefined) (await import('@podwire/lab')).requireLabName(name);
    });
  // commander hands the error settings only to commands made through it.
  const command = (signature: string, description: string): Command =>
    program.command(signature).description(description).option('--name <lab>', 'which lab', 'lab');

  command('up', 'start a lab: a cluster of network namespaces on this machine')
    .option('--nodes <n>', 'how many nodes (default: 3)', wholeNumber)
    .option('--config <file>', 'lab configuration (YAML); flags go first')
    .addOption(new Option('--backend <backend>', "how nodes reach each other's pods").choices(['host-gw', 'vxlan']))
    .addOption(new Option('--wiring <wiring>', 'how pods are wired to their node').choices(['ptp', 'bridge']))
    .addOption(proxyMode('how Services are balanced'))
    .option('--api-port <port>', 'port of the API server on 127.0.0.1 (default: 6443)', wholeNumber)
    .option('-f, --filename <manifest>', 'apply this manifest instead of the example; may be repeated', collect, [])
    .option('--no-wait', 'do not wait for the workloads, and do not run the check')
    .option('--no-check', 'wait, but do not run the check')
    .addHelpText('after', examples('up', 'up --nodes 5 --backend vxlan', 'up -f my-app.yaml -f my-policy.yaml'))
    .action(async (options) => finish(await (await import('./up.ts')).up(options)));
  command('down', 'remove the lab and everything it made, also after a crash')
    .addHelpText('after', examples('down'))
    .action(async ({ name }) => finish(await (await import('./down.ts')).down(name)));
  command('status', 'show nodes, pods, Services and what is wrong')
    .option('--features', "try what this machine's kernel can do instead; needs no lab")
    .addOption(output())
    .addHelpText('after', examples('status', 'status -o json', 'status --features'))
    .action(async ({ features, ...options }) => {
      if (features) finish((await import('./features.ts')).features(options.output));
      else finish(await (await import('./status.ts')).status(options));
    });
  command('proxy-mode [mode]', 'show how Services are balanced, or change it while the lab runs, keeping connections')
    .option('--node <node>', 'only this node')
    .addOption(output())
    .addHelpText(
      'after',
      `\nModes: ${PROXY_MODES.join(', ')}\n${examples('proxy-mode', 'proxy-mode iptables', 'proxy-mode ebpf --node node-1')}`,
    )
    .action(async (mode, options) => finish(await (await import('./proxy-mode.ts')).proxyMode(mode, options)));
  command('check', 'send real packets along every path the cluster promises')
    .addOption(new Option('-o, --output <form>', 'how to print').choices(['json', 'junit']))
    .addHelpText('after', examples('check', 'check -o junit > report.xml'))
    .action(async (options) => finish(await (await import('./check.ts')).check(options)));
  shaped(command('plan [room]', 'print what each node should have, and why'))
    .option('--node <node>', 'only this node')
    .addOption(proxyMode('plan services for this mode, whatever the lab has'))
    .addOption(output())
    .addHelpText(
      'after',
      examples(
        'plan',
        'plan services --node node-1',
        'plan services --proxy-mode iptables -o json',
        'plan services -f my-app.yaml > before   # neither root nor a lab; change my-app.yaml, and compare',
      ),
    )
    .action(async (room, options) => finish(await (await import('./plan.ts')).plan(room, options)));
  command('diff [room]', "print where a node's kernel differs from the plan; exit 1 if it does")
    .option('--node <node>', 'only this node')
    .addOption(output())
    .addHelpText('after', examples('diff', 'diff services --node node-1'))
    .action(async (room, options) => finish(await (await import('./plan.ts')).diff(room, options)));
  shaped(
    command(
      'explain',
      'explain the whole path of a connection, from the plans and not from the kernel; exit 1 if it fails',
    ),
  )
    .requiredOption('--from <source>', '[NAMESPACE/]POD, a node, an address, or outside')
    .requiredOption('--to <target>', '[NAMESPACE/]POD, a Service or DNS name, or an address; with :PORT')
    .addOption(new Option('--protocol <protocol>', 'of the connection').choices(['tcp', 'udp']).default('tcp'))
    .addOption(proxyMode('explain as in this mode, whatever the lab has'))
    .option('--endpoint <endpoint>', 'follow this endpoint instead of the first: [NAMESPACE/]POD or an address')
    .addOption(new Option('-o, --output <form>', 'how to print').choices(['json', 'yaml']))
    .addHelpText(
      'after',
      examples(
        'explain --from POD --to stock:80',
        'explain --from outside --to 172.30.0.11:30080',
        'explain -f my-app.yaml --from front-1 --to stock:80 -o json',
      ),
    )
    .action(async (options) => finish(await (await import('./explain.ts')).explain(options)));
  command('kubeconfig', "print the path of the lab's kubeconfig")
    .addHelpText('after', `\nExample:\n  export KUBECONFIG=$(${commandName()} kubeconfig)`)
    .action(async ({ name }) => finish(await (await import('./kubeconfig.ts')).kubeconfig(name)));
  program
    .command('kubectl [args...]')
    .description('run the kubectl on PATH against the lab; for another lab: kubectl --name <lab> ...')
    .allowUnknownOption()
    .helpOption(false)
    .passThroughOptions()
    .action(async (args) => finish(await (await import('./kubectl.ts')).kubectl(args)));
  command('exec <pod> [command...]', "run a command inside a pod's namespaces")
    .option('-n, --namespace <namespace>', "the pod's namespace", 'default')
    .option('-c, --container <container>', 'which container')
    .addHelpText('after', examples('exec my-pod -- getent hosts my-service'))
    .action(async (pod, words, options) => finish(await (await import('./exec.ts')).exec(pod, words, options)));
  // commander hands the error settings only to commands made through it.
  const add = (one: Command): Command =>
    program.addCommand(
      one.copyInheritedSettings(program).showHelpAfterError(`(${commandName()} ${one.name()} --help says more)`),
    );
  add(apiServerCommand(async (flags) => finish(await (await import('./apiserver.ts')).apiserver(flags))));
  add(agentCommand(async (flags) => finish(await (await import('./agent.ts')).agent(flags))));
  return program;
}
