import type { ApiServer } from '@podwire/apiserver';
import type { Logger } from '@podwire/base';
import type { ClusterConfig, Informers, KubeClient } from '@podwire/kube';
import type { ContainerEngine } from './container-engine.ts';
import type { EventSink } from './runtime-event.ts';
import type { SandboxContext } from './sandbox.ts';

/** Where pods' tokens come from, and whom they may trust. */
export type PodCredentials = Pick<ApiServer, 'serviceAccountToken' | 'caCertificate'>;

/** What all pods of a node share. */
export interface PodContext {
  readonly nodeName: string;
  readonly nodeAddress: string;
  readonly client: KubeClient;
  readonly informers: Informers;
  readonly config: ClusterConfig;
  readonly engine: ContainerEngine;
  readonly sandbox: SandboxContext;
  /** Each pod has a directory of its own in it, named by its uid. */
  readonly directory: string;
  /** Of all nodes of the lab: what PersistentVolumeClaims keep. */
  readonly claims: string;
  readonly events: EventSink;
  readonly logger: Logger;
  /** Absent: pods get no credentials. */
  readonly credentials: PodCredentials | undefined;
}
