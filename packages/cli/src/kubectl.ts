import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { commandName, PodwireError } from '@podwire/base';
import { labPaths, requireLabName } from '@podwire/lab';
import { requireLab } from './control-client.ts';
import { becomeRoot } from './root.ts';

/** Where installers put kubectl without touching PATH. */
const USUAL_PLACES = ['/usr/local/bin', '/snap/bin', '/usr/lib/google-cloud-sdk/bin'];

export function findKubectl(): string | undefined {
  return [...(process.env['PATH'] ?? '').split(path.delimiter), ...USUAL_PLACES]
    .map((directory) => path.join(directory, 'kubectl'))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** `--name NAME` before everything else picks the lab; all the rest is kubectl's. Throws CLI_USAGE for a flag alone. */
export function kubectlTarget(args: readonly string[]): { readonly name: string; readonly rest: readonly string[] } {
  const [first = '', second] = args;
  if (first.startsWith('--name=')) return { name: first.slice('--name='.length), rest: args.slice(1) };
  if (first !== '--name') return { name: 'lab', rest: args };
  if (second === undefined)
    throw new PodwireError(
      'CLI_USAGE',
      `--name needs the name of a lab: ${commandName()} kubectl --name NAME get pods`,
    );
  return { name: second, rest: args.slice(2) };
}

/** Commands that speak of kubectl alone. */
const WITHOUT_CLUSTER = ['help', 'completion', 'options', '--help', '-h'];

/** Whether all that is asked for can be answered without a cluster. */
export function isAboutKubectl(rest: readonly string[]): boolean {
  const end = rest.indexOf('--');
  const own = end < 0 ? rest : rest.slice(0, end);
  const [first] = own;
  return first === undefined || WITHOUT_CLUSTER.includes(first) || own.includes('--help') || own.includes('-h');
}

/** Of the lab; the cache of what the server knows is its own, as other clusters may have had the same address. */
export function kubectlEnvironment(lab: string, given: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const { kubeconfig, run } = labPaths(lab);
  return { KUBECACHEDIR: path.join(run, 'kubectl-cache'), ...given, KUBECONFIG: kubeconfig };
}

/** Runs kubectl with the lab's kubeconfig. */
export async function kubectl(args: readonly string[]): Promise<number> {
  const { name, rest } = kubectlTarget(args);
  requireLabName(name);
  if (isAboutKubectl(rest)) return run(rest, process.env);
  becomeRoot();
  requireLab(name);
  return run(rest, kubectlEnvironment(name, process.env));
}

function run(args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const binary = findKubectl();
  const podwire = commandName();
  if (!binary)
    throw new PodwireError(
      'CLI_NO_KUBECTL',
      `there is no kubectl on PATH; install it (kubernetes.io/docs/tasks/tools), or use "${podwire} status" and "${podwire} exec"`,
    );
  const child = spawn(binary, args, { stdio: 'inherit', env });
  return new Promise((resolve, reject) => child.on('error', reject).on('exit', (code) => resolve(code ?? 1)));
}
