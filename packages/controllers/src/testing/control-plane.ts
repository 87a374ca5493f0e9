import type { TestContext } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { type ApiServer, startApiServer } from '@podwire/apiserver';
import { silentLogger } from '@podwire/base';
import { createInformers, type Informers, type KubeClient, type ObjectOf, parseClusterConfig } from '@podwire/kube';
import type { Clock } from '../clock.ts';
import { startControllers } from '../controllers.ts';
import { IS_DEFAULT, PROVISIONER } from '../volumes/claim-plan.ts';
import { VirtualClock } from './virtual-clock.ts';

export interface ControlPlane {
  readonly server: ApiServer;
  readonly client: KubeClient;
  readonly informers: Informers;
}

const config = parseClusterConfig();

type Test = Pick<TestContext, 'after'>;

/** An API server in memory, all controllers and a kubelet that only pretends. Without a clock time stands still. */
export async function startControlPlane(t: Test, clock?: Clock): Promise<ControlPlane> {
  const server = await startApiServer({ serviceCidrs: config.serviceCidrs, nodePortRange: config.nodePortRange });
  const plane = await controlServer(t, server, clock);
  t.after(() => server.close());
  return plane;
}

/** The same for a server that is there already. */
export async function controlServer(t: Test, server: ApiServer, clock = standstill()): Promise<ControlPlane> {
  const client = server.client();
  const informers = createInformers(client);
  const controllers = await startControllers({
    ...{ client, informers, config, logger: silentLogger, caCertificate: 'certificate\n' },
    ...{ clock, dynamic: server.dynamicClient(), serviceAccountToken: server.serviceAccountToken },
    ...{ certificateAuthority: server.certificateAuthority(), mayDo: server.mayDo },
  });
  const end = playKubelet(client, informers);
  t.after(() => {
    end();
    controllers.stop();
    informers.stop();
  });
  return { server, client, informers };
}

/** Nobody renews the leases of nodes that tests make: they stay ready while no time passes. */
const standstill = (): Clock => new VirtualClock(new Date().toISOString());

/** A ready node; `allocatable` absent: it holds whatever comes. */
export async function addNode(client: KubeClient, name: string, more: Partial<ObjectOf<'Node'>> = {}): Promise<void> {
  await client.create('Node', {
    metadata: { name, labels: { 'kubernetes.io/hostname': name } },
    ...more,
    status: { conditions: [{ type: 'Ready', status: 'True' }], ...more.status },
  });
}

/** The default class, whose volumes are made for claims. */
export async function addStorageClass(client: KubeClient, more: Partial<ObjectOf<'StorageClass'>> = {}): Promise<void> {
  const metadata = { name: 'ours', annotations: { [IS_DEFAULT]: 'true' } };
  await client.create('StorageClass', { metadata, provisioner: PROVISIONER, ...more });
}

/** Polls for two minutes. */
export async function eventually<T>(what: string, look: () => Promise<T | undefined | false | ''>): Promise<T> {
  for (const start = performance.now(); performance.now() - start < 120_000; await delay(10)) {
    const found = await look();
    if (found) return found;
  }
  throw new Error(`${what} did not happen within two minutes`);
}

/** Bound pods run; those of image `succeed` or `fail` end at once; deleted ones go. */
function playKubelet(client: KubeClient, informers: Informers): () => void {
  let next = 1;
  const play = async (pod: ObjectOf<'Pod'>): Promise<void> => {
    const key = { namespace: pod.metadata?.namespace ?? '', name: pod.metadata?.name ?? '' };
    if (pod.metadata?.deletionTimestamp) {
      if (pod.metadata.deletionGracePeriodSeconds) await client.delete('Pod', key, { gracePeriodSeconds: 0 });
    } else if (pod.spec?.nodeName && !pod.status?.podIP) {
      const podIP = `10.244.0.${next++}`;
      const status = { ...lifeOf(pod.spec.containers[0]?.image), podIP, podIPs: [{ ip: podIP }] };
      await client.patch('Pod', key, { status }, { subresource: 'status' });
    }
  };
  return informers.of('Pod').subscribe(({ type, object }) => {
    if (type !== 'deleted') play(object).catch(() => {});
  });
}

function lifeOf(image: string | undefined): object {
  const ready = (status: string) => [{ type: 'Ready', status }];
  if (image === 'succeed') return { phase: 'Succeeded', conditions: ready('False') };
  if (image === 'fail') return { phase: 'Failed', conditions: ready('False') };
  return { phase: 'Running', conditions: ready('True') };
}
