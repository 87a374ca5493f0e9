import type { ApiServer } from '@podwire/apiserver';
import type { Logger } from '@podwire/base';
import { followPeers, startControllers } from '@podwire/controllers';
import { startSecretAccess } from '@podwire/ingress';
import { createInformers, type Informers } from '@podwire/kube';
import { startAddressAllocator } from '@podwire/loadbalancer';
import { AGENT, CONTROLLERS, userOf } from './agent-tokens.ts';
import type { LabConfig } from './lab-config.ts';

export interface ControlPlaneParts {
  readonly server: ApiServer;
  readonly config: LabConfig;
  /** The administrator's. */
  readonly informers: Informers;
  readonly logger: Logger;
}

/**
 * What a cluster needs beside its API server. Controllers and allocator are the service account podwire-controllers; who
 * hands out roles is the administrator.
 */
export async function startControlPlane(parts: ControlPlaneParts): Promise<{ stop(): Promise<void> }> {
  const { server, logger } = parts;
  const client = server.client(userOf(CONTROLLERS));
  const informers = createInformers(client);
  const shared = { client, informers, config: parts.config.cluster };
  const peers = followPeers(parts.config.cluster.clusterPeers, logger.child({ part: 'cluster set' }));
  const controllers = await startControllers({
    ...shared,
    peers: peers.sources,
    dynamic: server.dynamicClient(userOf(CONTROLLERS)),
    caCertificate: server.caCertificate,
    serviceAccountToken: server.serviceAccountToken,
    certificateAuthority: server.certificateAuthority(),
    mayDo: server.mayDo,
    logger: logger.child({ part: 'controllers' }),
  });
  const allocator = await startAddressAllocator({ ...shared, logger: logger.child({ part: 'allocator' }) });
  const access = startSecretAccess({
    client: server.client(),
    informers: parts.informers,
    agent: AGENT,
    logger: logger.child({ part: 'secret access' }),
  });
  return {
    stop: async () => {
      controllers.stop();
      peers.stop();
      await Promise.all([allocator.stop(), access.stop()]);
      informers.stop();
    },
  };
}
