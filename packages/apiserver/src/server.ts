import type { Prefix } from '@podwire/base';
import type { KubeClient, PodStreams } from '@podwire/kube';
import { createSystemNamespaces, removeOldEvents } from './core/bootstrap.ts';
import { LocalClient } from './core/local-client.ts';
import { Registry } from './core/registry.ts';
import { ServiceAddresses } from './core/service-addresses.ts';
import { Store } from './core/store.ts';
import { createSchema } from './schema/index.ts';

export interface ApiServerOptions {
  /** Where objects and keys are kept (made with mode 0700); absent: memory only. */
  readonly directory?: string;
  /** One per family; the first is the default family of Services. */
  readonly serviceCidrs: readonly Prefix[];
  readonly nodePortRange: readonly [first: number, last: number];
  /** Logs, exec, attach and port-forward; absent: they are answered with 501. */
  readonly streams?: PodStreams;
}

export interface ApiServer {
  /** In process, without HTTP. */
  client(): KubeClient;
  /** Stops all listeners and watches; resolves when everything written is on disk. */
  close(): Promise<void>;
}

const SWEEP_INTERVAL = 60_000;

/** The embedded Kubernetes API server: objects, defaults, validation, watches. */
export async function startApiServer(options: ApiServerOptions): Promise<ApiServer> {
  const { directory, serviceCidrs, nodePortRange } = options;
  const store = await Store.open(directory === undefined ? {} : { directory });
  const schema = createSchema();
  const registry = new Registry({ store, schema, addresses: new ServiceAddresses({ serviceCidrs, nodePortRange }) });
  await createSystemNamespaces(registry);
  const sweep = setInterval(() => removeOldEvents(registry), SWEEP_INTERVAL).unref();
  const clients = new Set<LocalClient>();
  return {
    client: () => {
      const client = new LocalClient(registry, schema);
      clients.add(client);
      return client;
    },
    close: async () => {
      clearInterval(sweep);
      for (const client of clients) client.close();
      await store.close();
    },
  };
}
