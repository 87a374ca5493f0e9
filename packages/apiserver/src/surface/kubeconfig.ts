import { stringify } from 'yaml';
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
  const user = `${name}-admin`;
  return stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server: url, 'certificate-authority-data': base64(pki.ca) } }],
    users: [
      {
        name: user,
        user: { 'client-certificate-data': base64(pki.admin.cert), 'client-key-data': base64(pki.admin.key) },
      },
    ],
    contexts: [{ name, context: { cluster: name, user } }],
    'current-context': name,
  });
}

function base64(pem: string): string {
  return Buffer.from(pem).toString('base64');
}
