import { PodwireError } from '@podwire/base';

/** What is wrong, in which file, at which field. */
export function badKubeconfig(file: string, field: string, why: string, cause?: unknown): PodwireError {
  const where = field ? `kubeconfig ${file}: ${field}: ` : `kubeconfig ${file}: `;
  return new PodwireError('KUBE_BAD_KUBECONFIG', where + why, { cause, details: { file, field } });
}
