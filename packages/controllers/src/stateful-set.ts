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
import { KeyQueue } from './key-queue.ts';
import { deletePod, podsOfOwner, statusIs } from './pod-template.ts';
import { planStateful, revisionName, statefulPod, statefulStatus } from './stateful-plan.ts';

/** Volume claims are not made: there is no storage. */
export function startStatefulSets({ client, informers, logger }: ControllerContext): Controller {
  const sets = informers.of('StatefulSet');
  const pods = informers.of('Pod');
  const store = { client, revisions: informers.of('ControllerRevision') };

  const reconcile = async (key: string): Promise<undefined> => {
    const { name, namespace } = splitKey(key);
    const set = sets.get(name, namespace);
    if (!set || set.metadata?.deletionTimestamp) return;
    const mine = podsOfOwner(set, pods.list());
    const revision = revisionName(set);
    await keepRevisions(store, { kind: 'StatefulSet', set, name: revision, label: revision, pods: mine });
    const { create, remove } = planStateful(set, mine);
    const made = await Promise.all(create.map((ordinal) => client.create('Pod', statefulPod(set, ordinal))));
    await Promise.all([...made.map((pod) => visible(pods, pod)), ...remove.map((pod) => deletePod(client, pod))]);
    const status = statefulStatus(set, podsOfOwner(set, pods.list()));
    if (!statusIs(set.status, status))
      await client.patch('StatefulSet', objectKey(set), { status }, { subresource: 'status' });
  };
  const queue = new KeyQueue({ name: 'statefulset', logger, reconcile });
  const ends = [
    sets.subscribe(({ type, object }) => type !== 'deleted' && queue.add(keyOf(object))),
    pods.subscribe(({ object }) => {
      const owner = controllerOf(object);
      if (owner?.kind === 'StatefulSet') queue.add(`${namespaceOf(object)}/${owner.name}`);
    }),
  ];
  return { stop: () => [...ends.map((end) => end()), queue.stop()] };
}
