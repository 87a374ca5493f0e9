import { setTimeout as sleep } from 'node:timers/promises';
import { commandName, PodwireError } from '@podwire/base';
import type { KubeClient, ObjectOf } from '@podwire/kube';
import { unreadyReason } from '@podwire/lab';
import { askDaemon, nameFlag } from './control-client.ts';
import { Hindrances } from './hindrances.ts';
import { surroundingsOf } from './surroundings.ts';

type Pod = ObjectOf<'Pod'>;

const DEADLINE_SECONDS = 120;
/** How often it is asked why, in ms. */
const REASONS = 1000;

/**
 * Resolves to the seconds it took until Deployments are available, pods ready and all rooms in force; what holds pods up
 * meanwhile is told with `say`. Throws CLI_NOT_READY.
 */
export async function waitForWorkloads(client: KubeClient, lab: string, say: (line: string) => void): Promise<number> {
  const started = performance.now();
  const seconds = (): number => (performance.now() - started) / 1000;
  const hindrances = new Hindrances();
  let asked = started;
  for (;;) {
    const { deployments, pods } = await unready(client);
    if (deployments.length + pods.length === 0) break;
    if (seconds() > DEADLINE_SECONDS) throw notReady(lab, [...deployments, ...(await withReasons(client, pods))]);
    if (performance.now() - asked > REASONS) {
      asked = performance.now();
      for (const line of hindrances.look(asked, pods, await surroundingsOf(client))) say(line);
    }
    await sleep(30);
  }
  await askDaemon(lab, '/idle');
  return seconds();
}

function notReady(lab: string, waiting: readonly string[]): PodwireError {
  const podwire = commandName();
  const hint = `"${podwire} status${nameFlag(lab)}" shows it, "${podwire} kubectl${nameFlag(lab)} get events -A" tells what happened`;
  return new PodwireError(
    'CLI_NOT_READY',
    `not ready after ${DEADLINE_SECONDS} s: ${waiting.join('; ')}; the lab is left running: ${hint}`,
  );
}

async function withReasons(client: KubeClient, pods: readonly Pod[]): Promise<string[]> {
  const surroundings = await surroundingsOf(client);
  return pods.map((pod) => `pod ${keyOf(pod)} (${unreadyReason(pod, surroundings)})`);
}

const keyOf = ({ metadata }: Pick<Pod, 'metadata'>): string => `${metadata?.namespace}/${metadata?.name}`;

async function unready(client: KubeClient): Promise<{ deployments: string[]; pods: Pod[] }> {
  const [deployments, pods] = await Promise.all([client.list('Deployment'), client.list('Pod')]);
  return {
    deployments: deployments.items.filter((one) => !isAvailable(one)).map((one) => `deployment ${keyOf(one)}`),
    pods: pods.items.filter((pod) => !isReady(pod)),
  };
}

function isAvailable({ metadata, spec, status }: ObjectOf<'Deployment'>): boolean {
  const wanted = spec?.replicas ?? 1;
  return (
    (status?.observedGeneration ?? 0) >= (metadata?.generation ?? 0) &&
    (status?.availableReplicas ?? 0) >= wanted &&
    (status?.updatedReplicas ?? 0) >= wanted
  );
}

function isReady({ status }: Pod): boolean {
  return (
    status?.phase === 'Succeeded' ||
    (status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') ?? false)
  );
}
