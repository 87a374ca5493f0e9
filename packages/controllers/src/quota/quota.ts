import { isDeepStrictEqual } from 'node:util';
import {
  formatQuotaAmount,
  KINDS,
  type KindName,
  ObjectIndex,
  type ObjectOf,
  QuotaLedger,
  quotaSubject,
  type StoreEvent,
} from '@podwire/kube';
import {
  type Controller,
  type ControllerContext,
  keyOf,
  type Meta,
  namespaceOf,
  objectKey,
  splitKey,
} from '../context.ts';
import { COLLECTED } from '../garbage/collected-kind.ts';
import { startReconciler } from '../reconciler.ts';

type Quota = ObjectOf<'ResourceQuota'>;

/** Writes come in bursts, and all that is there has to be counted. */
const PAUSE = 100;

/** What may be counted: by `plural`, and by `plural.group` where there is a group. */
const SUBJECTS = new Map(
  KINDS.filter(({ kind, namespaced }) => namespaced && COLLECTED.includes(kind)).map(({ plural, group, kind }) => {
    return [group ? `${plural}.${group}` : plural, kind] as const;
  }),
);

/** Keeps in the status of ResourceQuotas what there is of what they limit. Refusing more is the API server's. */
export function startQuotas({ client, informers, logger }: ControllerContext): Controller {
  const quotas = informers.of('ResourceQuota');
  const quotasIn = new ObjectIndex(quotas, (quota) => [namespaceOf(quota)]);
  const ledger = new QuotaLedger();

  const reconcile = async (key: string): Promise<undefined> => {
    const { name, namespace } = splitKey(key);
    const quota: Quota | undefined = quotas.get(name, namespace);
    if (!quota || quota.metadata?.deletionTimestamp) return;
    const status = quotaStatus(quota, ledger, (kind) =>
      informers
        .of(kind)
        .list()
        .filter((object: Meta) => namespaceOf(object) === namespace),
    );
    if (isDeepStrictEqual(quota.status ?? {}, status)) return;
    const patch = [{ op: 'add', path: '/status', value: status }];
    await client.patch('ResourceQuota', objectKey(quota), patch, { type: 'json', subresource: 'status' });
  };
  const queue = startReconciler({ name: 'quota', logger, reconcile });
  const follow = (kind: KindName) =>
    informers.of(kind).subscribe((event: StoreEvent<Meta>) => {
      const before = event.type === 'added' ? undefined : event.previous;
      ledger.record(kind, before, event.type === 'deleted' ? undefined : event.object);
      for (const quota of quotasIn.get(namespaceOf(event.object))) queue.addAfter(keyOf(quota), PAUSE);
    });
  const ends = [
    quotasIn.stop,
    quotas.subscribe(({ type, object }) => (type === 'deleted' ? ledger.drop(object) : queue.add(keyOf(object)))),
    ...[...SUBJECTS.values()].map(follow),
  ];
  return { stop: () => [...ends.map((end) => end()), queue.shutDown()] };
}

/** What nobody can count is not among what is used. */
export function quotaStatus(
  quota: Quota,
  ledger: QuotaLedger,
  objectsOf: (kind: KindName) => readonly object[],
): NonNullable<Quota['status']> {
  const hard = quota.spec?.hard ?? {};
  const used = [...new Set(Object.keys(hard).map(quotaSubject))].flatMap((subject = '') => {
    const id = SUBJECTS.get(subject);
    return id ? [...ledger.used(quota, { id, subject, objects: () => objectsOf(id) })] : [];
  });
  return { hard, used: Object.fromEntries(used.map(([name, amount]) => [name, formatQuotaAmount(name, amount)])) };
}
