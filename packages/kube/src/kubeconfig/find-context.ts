import { contextOf, type KubeContext } from './context.ts';
import { inClusterContext, isInCluster, type PodSource } from './in-cluster.ts';
import { type KubeconfigSource, readKubeconfig } from './read.ts';

export interface ContextSource extends KubeconfigSource, PodSource {
  /** Default: the current context. */
  readonly context?: string | undefined;
  /** How the user of a command names a file, e.g. `--kubeconfig`, for what an error says to do. */
  readonly flag?: string | undefined;
}

/**
 * Where to go and as whom, found as kubectl finds it: the file that is named, else KUBECONFIG, else ~/.kube/config; where none of
 * them says anything and this is a pod, its service account.
 */
export async function findContext(source: ContextSource = {}): Promise<KubeContext> {
  const config = await readKubeconfig(source);
  const says = config.contexts.size > 0 || config.clusters.size > 0 || config.currentContext !== undefined;
  if (!says && source.context === undefined && isInCluster(source)) return inClusterContext(source);
  return contextOf(config, source.context, source.flag);
}
