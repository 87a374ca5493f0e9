import type { Pki } from '../seam.ts';

export interface KubeconfigOptions {
  /** e.g. `https://127.0.0.1:6443`. */
  readonly url: string;
  /** Name of cluster, user and context. */
  readonly name: string;
  readonly pki: Pick<Pki, 'ca' | 'admin'>;
}

/** A kubeconfig file for the administrator. It holds a private key: write it 0600. */
export function kubeconfigText({ url, name, pki }: KubeconfigOptions): string {
  const [cluster, user] = [scalar(name), scalar(`${name}-admin`)];
  return `apiVersion: v1
kind: Config
clusters:
  - name: ${cluster}
    cluster:
      server: ${scalar(url)}
      certificate-authority-data: ${base64(pki.ca)}
users:
  - name: ${user}
    user:
      client-certificate-data: ${base64(pki.admin.cert)}
      client-key-data: ${base64(pki.admin.key)}
contexts:
  - name: ${cluster}
    context:
      cluster: ${cluster}
      user: ${user}
current-context: ${cluster}
`;
}

/** In quotes when YAML could take it for something else. Servers start without a library for it. */
function scalar(text: string): string {
  const isPlain = /^[a-z][a-z0-9:/.[\]-]*[a-z0-9]$/.test(text) && !/^(y|n|yes|no|on|off|true|false|null)$/.test(text);
  return isPlain ? text : JSON.stringify(text);
}

function base64(pem: string): string {
  return Buffer.from(pem).toString('base64');
}
