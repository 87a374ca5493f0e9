import { labPaths } from '@podwire/lab';
import { requireLab } from './control-client.ts';
import { becomeRoot } from './root.ts';

export async function kubeconfig(name: string): Promise<number> {
  becomeRoot();
  requireLab(name);
  console.log(labPaths(name).kubeconfig);
  return 0;
}
