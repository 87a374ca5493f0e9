import { silentLogger } from '@podwire/base';
import { startControllers } from '@podwire/controllers';
import { createInformers, parseClusterConfig } from '@podwire/kube';
import type { Kubectl } from '../kubectl.ts';
import { Cluster } from '../kubectl-cluster.ts';
import { makeNode, playKubelets } from '../kubelet.ts';

/** A cluster with controllers and two nodes whose pods run, for one kubectl. */
export interface MatrixCluster {
  readonly cluster: Cluster;
  stop(): Promise<void>;
}

export async function startMatrixCluster(kubectl: Kubectl, namespaces: readonly string[]): Promise<MatrixCluster> {
  const cluster = await Cluster.start(kubectl, { advertise: { address: '192.0.2.1', port: 6443 } });
  const { client } = cluster;
  const informers = createInformers(client);
  const controllers = await startControllers({ client, informers, config: parseClusterConfig(), logger: silentLogger });
  await makeNode(client, 'node-1', '192.0.2.11');
  await makeNode(client, 'node-2', '192.0.2.12');
  const leave = playKubelets(client, informers, ['node-1', 'node-2']);
  await Promise.all(namespaces.map((name) => client.create('Namespace', { metadata: { name } })));
  return {
    cluster,
    stop: async () => {
      leave();
      controllers.stop();
      informers.stop();
      await cluster.stop();
    },
  };
}
