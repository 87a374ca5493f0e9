import path from 'node:path';
import { parsePrefix } from '@podwire/base';
import type { KubeClient } from '@podwire/kube';
import { AuthorizedClient } from './core/authorized-client.ts';
import { withFiles } from './core/file-error.ts';
import { LocalClient } from './core/local-client.ts';
import { LocalDynamicClient } from './core/local-dynamic-client.ts';
import { Store } from './core/store.ts';
import { PODWIRE_USER } from './core/write-attempt.ts';
import type { User } from './seam.ts';
import type { ApiServer, ApiServerOptions, CompleteOptions } from './server/api-server.ts';
import { type Front, openFront } from './server/front.ts';
import { type Keys, openKeys } from './server/keys.ts';
import { createObjects, type Objects } from './server/objects.ts';
import { prepare, type Upkeep } from './server/upkeep.ts';
import { EtcdState } from './state/etcd-state.ts';
import { kubeconfigText } from './surface/index.ts';

export type { AccountKey, ApiServer, ApiServerOptions, ClusterDeed } from './server/api-server.ts';

const DEFAULTS = { serviceCidrs: [parsePrefix('10.96.0.0/12')], nodePortRange: [30000, 32767] } as const;

/**
 * The embedded Kubernetes API server.
 *
 *     LocalClient ──────────────────────────────┐
 *     unix socket, TLS ─▶ Transport ─▶ RestApi ─┴─▶ Registry ─▶ Store ─▶ log, watchers
 *                                     │  └ Surface (discovery, tables)  └ Schema, ServiceAddresses
 *                                     └ Streams (log, exec, port-forward)
 */
export async function startApiServer(options: ApiServerOptions = {}): Promise<ApiServer> {
  const store = await openStore(options);
  try {
    return await serveStore(store, { ...DEFAULTS, ...options });
  } catch (error) {
    await store.close();
    throw error;
  }
}

async function openStore({ directory, etcd }: ApiServerOptions): Promise<Store> {
  if (etcd) return Store.open({ backend: await EtcdState.open(etcd) });
  if (directory === undefined) return Store.open({});
  return withFiles(directory, () => Store.open({ directory: path.join(directory, 'state') }));
}

async function serveStore(store: Store, options: CompleteOptions): Promise<ApiServer> {
  const objects = createObjects(store, options);
  const keys = await openKeys(options);
  const upkeep = await prepare(objects, options);
  const stopping = new AbortController();
  const front = await openFront(objects, { options, signing: keys.signing, stopped: stopping.signal });
  upkeep.begin();
  return serverOf({ objects, keys, upkeep, front, stopping }, options);
}

/** A server that is running. */
interface Parts {
  readonly objects: Objects;
  readonly keys: Keys;
  readonly upkeep: Upkeep;
  readonly front: Front;
  readonly stopping: AbortController;
}

function serverOf(parts: Parts, { clusterName = 'podwire' }: ApiServerOptions): ApiServer {
  const { objects, upkeep, front } = parts;
  const { store, kinds, authorizer } = objects;
  const { pki } = parts.keys;
  return {
    client: (user) => clientOf(parts, user),
    dynamicClient: (user) => new LocalDynamicClient(clientOf(parts, user), kinds),
    serviceAccountToken: ({ namespace, name }, spec) => {
      const account = store.get('ServiceAccount', `${namespace}/${name}`);
      return account && front.tokenRequests.issue(account, spec);
    },
    caCertificate: pki.ca,
    certificateAuthority: () => ({ certificate: pki.ca, key: pki.key }),
    mayDo: (who, what) => {
      const resource = { subresource: '', ...what, version: '*', namespace: '', name: '' };
      return authorizer.allows(who, { verb: what.verb, resource, path: '' });
    },
    kubeconfig: (url) => kubeconfigText({ url, name: clusterName, pki }),
    listenHttps: (where) => front.transport.listenHttps(where, pki),
    listenUnix: (socketPath, how) => front.transport.listenUnix(socketPath, how),
    recoveredTornBytes: store.recovered?.tornBytes ?? 0,
    repairs: upkeep.repairs,
    close: () => close(parts),
  };
}

function clientOf({ objects, stopping }: Parts, user?: User): KubeClient {
  const { authorizer, kinds } = objects;
  const local = new LocalClient({ ...objects, user: user ?? PODWIRE_USER }, stopping.signal);
  return user ? new AuthorizedClient(local, { user, authorizer, kinds }) : local;
}

async function close({ objects, upkeep, front, stopping }: Parts): Promise<void> {
  upkeep.stop();
  stopping.abort();
  objects.stop();
  await front.transport.close();
  objects.webhooks.close();
  await front.close();
  await objects.store.close();
}
