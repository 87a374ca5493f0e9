import type { ObjectOf } from '@podwire/kube';
import {
  type Controller,
  type ControllerContext,
  controllerOf,
  keyOf,
  namespaceOf,
  objectKey,
  splitKey,
  visible,
} from './context.ts';
import { keepRevisions } from './controller-revision.ts';
import { daemonPod, daemonStatus, planDaemons } from './daemon-plan.ts';
import { KeyQueue } from './key-queue.ts';
import { deletePod, podsOfOwner, statusIs } from './pod-template.ts';
import { templateHash } from './rollout.ts';

export function startDaemonSets({ client, informers, logger }: ControllerContext): Controller {
  const sets = informers.of('DaemonSet');
  const pods = informers.of('Pod');
  const nodes = informers.of('Node');
  const store = { client, revisions: informers.of('ControllerRevision') };

  const reconcile = async (key: string): Promise<undefined> => {
    const { name, namespace } = splitKey(key);
    const set = sets.get(name, namespace);
    if (!set || set.metadata?.deletionTimestamp) return;
    const mine = podsOfOwner(set, pods.list());
    const label = templateHash(set.spec?.template);
    await keepRevisions(store, { kind: 'DaemonSet', set, name: `${name}-${label}`, label, pods: mine });
    const { create, remove } = planDaemons(set, nodes.list(), mine);
    const made = await Promise.all(create.map((node) => client.create('Pod', daemonPod(set, node))));
    await Promise.all([...made.map((pod) => visible(pods, pod)), ...remove.map((pod) => deletePod(client, pod))]);
    const status = daemonStatus(set, nodes.list(), podsOfOwner(set, pods.list()));
    if (!statusIs(set.status, status))
      await client.patch('DaemonSet', objectKey(set), { status }, { subresource: 'status' });
  };
  const queue = new KeyQueue({ name: 'daemonset', logger, reconcile });
  const all = (): void => {
    for (const set of sets.list()) queue.add(keyOf(set));
  };
  const ends = [
    sets.subscribe(({ type, object }) => type !== 'deleted' && queue.add(keyOf(object))),
    pods.subscribe(({ object }) => {
      const owner = controllerOf(object);
      if (owner?.kind === 'DaemonSet') queue.add(`${namespaceOf(object)}/${owner.name}`);
    }),
    nodes.subscribe((event) => {
      if (event.type !== 'modified' || placing(event.object) !== placing(event.previous)) all();
    }),
  ];
  return { stop: () => [...ends.map((end) => end()), queue.stop()] };
}

/** The part of a Node that decides about daemon pods; heartbeats are not. */
function placing({ metadata, spec }: ObjectOf<'Node'>): string {
  return JSON.stringify([metadata?.labels, spec?.taints]);
}
