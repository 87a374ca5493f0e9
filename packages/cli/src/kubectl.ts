import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { PodwireError } from '@podwire/base';
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
    throw new PodwireError('CLI_USAGE', '--name needs the name of a lab: podwire kubectl --name NAME get pods');
  return { name: second, rest: args.slice(2) };
}

/** Runs kubectl with the lab's kubeconfig. */
export async function kubectl(args: readonly string[]): Promise<number> {
  const { name, rest } = kubectlTarget(args);
  requireLabName(name);
  becomeRoot();
  requireLab(name);
  const binary = findKubectl();
  if (!binary)
    throw new PodwireError(
      'CLI_NO_KUBECTL',
      'there is no kubectl on PATH; install it (kubernetes.io/docs/tasks/tools), or use "podwire status" and "podwire exec"',
    );
  const child = spawn(binary, rest, {
    stdio: 'inherit',
    env: { ...process.env, KUBECONFIG: labPaths(name).kubeconfig },
  });
  return await new Promise((resolve, reject) => child.on('error', reject).on('exit', (code) => resolve(code ?? 1)));
}
