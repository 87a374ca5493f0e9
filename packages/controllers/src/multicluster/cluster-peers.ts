import { hasCode, type Logger } from '@podwire/base';
import {
  type ClusterPeer,
  createInformers,
  createKubeClient,
  FailureLog,
  findContext,
  type Informers,
  type KubeClient,
} from '@podwire/kube';
import type { ClusterSource } from './cluster-member.ts';

type Reader = Pick<KubeClient, 'list' | 'watch' | 'streamsLists'>;

/** What a server says that has been reached: there is nothing wrong with the way to it. */
const ANSWERS = ['KUBE_GONE', 'KUBE_INVALID', 'KUBE_NOT_FOUND', 'KUBE_FORBIDDEN'] as const;

export interface ClusterPeers {
  /** For `peers` of startControllers. */
  readonly sources: readonly (ClusterSource & { readonly informers: Informers })[];
  stop(): void;
}

/**
 * Follows other clusters of the set. Their kubeconfig files need not be there yet: they are read at the first use, and again
 * after each failure to connect, so that clusters can be started in any order and be made anew. The log says which of them
 * cannot be read, and why.
 */
export function followPeers(peers: readonly ClusterPeer[], logger: Logger): ClusterPeers {
  const readers = peers.map(({ name, kubeconfig }) => ({ name, reader: new PeerReader(kubeconfig) }));
  const sources = readers.map(({ name, reader }) => {
    const { onFailure } = new FailureLog(logger.child({ cluster: name }));
    return { name, informers: createInformers(reader, { onFailure }) };
  });
  return {
    sources,
    stop: () => {
      for (const { informers } of sources) informers.stop();
      for (const { reader } of readers) reader.close();
    },
  };
}

class PeerReader implements Reader {
  readonly streamsLists = true;
  readonly #file: string;
  #client: Promise<KubeClient> | undefined;

  constructor(file: string) {
    this.#file = file;
  }

  list: Reader['list'] = (kind, options) => this.#use((client) => client.list(kind, options));

  watch: Reader['watch'] = (kind, options, onEvent) => this.#use((client) => client.watch(kind, options, onEvent));

  close(): void {
    this.#client?.then((client) => client.close()).catch(() => {});
    this.#client = undefined;
  }

  async #use<T>(act: (client: KubeClient) => Promise<T>): Promise<T> {
    this.#client ??= findContext({ file: this.#file }).then(({ endpoint }) => createKubeClient(endpoint));
    const used = this.#client;
    try {
      return await act(await used);
    } catch (error) {
      if (this.#client === used && !ANSWERS.some((code) => hasCode(error, code))) this.close();
      throw error;
    }
  }
}
