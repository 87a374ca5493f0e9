/** A program that prints credentials (KEP-541), as a kubeconfig names it in `users[].user.exec`. */
export interface ExecPlugin {
  readonly apiVersion: string;
  /** Looked up on PATH unless it has a slash; a relative one is beside the kubeconfig. */
  readonly command: string;
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Whether it may ask the person at the terminal. */
  readonly interactiveMode: 'Never' | 'IfAvailable' | 'Always';
  /** Tells it which cluster it is for. */
  readonly provideClusterInfo: boolean;
  /** Of the cluster's `client.authentication.k8s.io/exec` extension. */
  readonly clusterConfig?: unknown;
  /** What to do when the program is not there. */
  readonly installHint?: string | undefined;
}

export const EXEC_VERSIONS = ['client.authentication.k8s.io/v1', 'client.authentication.k8s.io/v1beta1'] as const;
