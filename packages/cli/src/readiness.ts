import { setTimeout as sleep } from 'node:timers/promises';
import { PodwireError } from '@podwire/base';
import type { KubeClient, ObjectOf } from '@podwire/kube';
import { askDaemon, nameFlag } from './control-client.ts';

const DEADLINE_SECONDS = 120;

/** Resolves to the seconds it took until Deployments are available, pods ready and all rooms in force. Throws CLI_NOT_READY. */
export async function waitForWorkloads(client: KubeClient, lab: string): Promise<number> {
  const started = performance.now();
  const seconds = (): number => (performance.now() - started) / 1000;
  for (;;) {
    const waiting = await unready(client);
    if (waiting.length === 0) break;
    if (seconds() > DEADLINE_SECONDS) {
      throw new PodwireError(
        'CLI_NOT_READY',
        `not ready after ${DEADLINE_SECONDS} s: ${waiting.join(', ')}; the lab is left running: "podwire kubectl${nameFlag(lab)} describe" tells why`,
      );
    }
    await sleep(30);
  }
  await askDaemon(lab, '/idle');
  return seconds();
}

async function unready(client: KubeClient): Promise<string[]> {
  const [deployments, pods] = await Promise.all([client.list('Deployment'), client.list('Pod')]);
  return [
    ...deployments.items
      .filter((d) => !isAvailable(d))
      .map((d) => `deployment ${d.metadata?.namespace}/${d.metadata?.name}`),
    ...pods.items.filter((p) => !isReady(p)).map((p) => `pod ${p.metadata?.namespace}/${p.metadata?.name}`),
  ];
}

function isAvailable({ metadata, spec, status }: ObjectOf<'Deployment'>): boolean {
  const wanted = spec?.replicas ?? 1;
  return (
    (status?.observedGeneration ?? 0) >= (metadata?.generation ?? 0) &&
    (status?.availableReplicas ?? 0) >= wanted &&
    (status?.updatedReplicas ?? 0) >= wanted
  );
}

function isReady({ status }: ObjectOf<'Pod'>): boolean {
  return (
    status?.phase === 'Succeeded' ||
    (status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') ?? false)
  );
}
