import { spawn } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import path from 'node:path';
import { PodwireError } from '@podwire/base';
import { labPaths } from '@podwire/lab';
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

/** Runs kubectl with the lab's kubeconfig; `--lab NAME` before everything else picks another lab. */
export async function kubectl(args: readonly string[]): Promise<number> {
  becomeRoot();
  const [flag, lab] = args;
  const [name, rest] = flag === '--lab' && lab ? [lab, args.slice(2)] : ['lab', args];
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
