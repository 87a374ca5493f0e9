import { startCertificateRequests } from './certificate/certificate-requests.ts';
import type { Controller, ControllerContext } from './context.ts';
import { startCronJobs } from './cron/cron-job.ts';
import { CustomKinds } from './custom-kinds.ts';
import { startDaemonSets } from './daemon/daemon-set.ts';
import { startDeployments } from './deployment/deployment.ts';
import { startDisruptionBudgets } from './disruption/budget.ts';
import { startEndpointSlices } from './endpoint-slice.ts';
import { startEndpointSliceMirroring } from './endpoint-slice-mirroring.ts';
import { COLLECTED } from './garbage/collected-kind.ts';
import { startGarbageCollector } from './garbage/garbage-collector.ts';
import { startJobs } from './job/job.ts';
import { startMulticluster } from './multicluster/multicluster.ts';
import { startNamespaces } from './namespace.ts';
import { startNodeLifecycle } from './node/node-lifecycle.ts';
import { startPodCollector } from './node/pod-gc.ts';
import { startTaintEviction } from './node/taint-eviction.ts';
import { startNodeCidrs } from './node-cidr.ts';
import { startQuotas } from './quota/quota.ts';
import { startReplicaSets, startReplicationControllers } from './replica-set.ts';
import { startScheduler } from './scheduler.ts';
import { startServiceAccounts } from './service-account.ts';
import { soundInformers } from './sound-informers.ts';
import { startStatefulSets } from './stateful/stateful-set.ts';
import { startTokenSecrets } from './token-secret.ts';
import { startVolumeClaims } from './volumes/claim.ts';
import { startEphemeralVolumes } from './volumes/ephemeral.ts';
import { startVolumes } from './volumes/volume.ts';

export type Controllers = Controller;

/** Starts the control plane an API server needs to be a cluster; writes nothing before everything is synced. */
export async function startControllers(context: ControllerContext): Promise<Controllers> {
  await Promise.all(COLLECTED.map((kind) => context.informers.of(kind).synced));
  const peers = (context.peers ?? []).map((peer) => ({
    ...peer,
    informers: soundInformers(peer.informers, context.logger),
  }));
  const sound = { ...context, informers: soundInformers(context.informers, context.logger), peers };
  const custom = new CustomKinds(sound);
  const starts = [
    startNodeCidrs,
    startNodeLifecycle,
    startTaintEviction,
    startPodCollector,
    startNamespaces,
    startServiceAccounts,
    startTokenSecrets,
    startCertificateRequests,
    startScheduler,
    startReplicaSets,
    startReplicationControllers,
    startDeployments,
    startDaemonSets,
    startStatefulSets,
    startJobs,
    startCronJobs,
    startDisruptionBudgets,
    startEndpointSlices,
    startEndpointSliceMirroring,
    startMulticluster,
    startEphemeralVolumes,
    startVolumeClaims,
    startVolumes,
    startQuotas,
    startGarbageCollector,
  ];
  const controllers = starts.map((start) => start({ ...sound, custom }));
  return {
    stop: () => {
      for (const controller of [...controllers, custom]) controller.stop();
    },
  };
}
