import { equalJson } from '../json.ts';
import type { ObjectOf } from '../kinds.ts';
import type { Amounts } from '../pod-requests.ts';
import { isInQuota, quotaSubject, quotaUsage } from './quota-usage.ts';

type Quota = ObjectOf<'ResourceQuota'>;
interface Namespaced {
  readonly metadata?: { readonly namespace?: string };
}

/** Objects of one kind in the namespace of a quota. */
export interface QuotaSubject {
  /** What changes of the kind are recorded under. */
  readonly id: string;
  /** As `quotaSubject` says it. */
  readonly subject: string;
  /** All there are, including what was recorded; called once. */
  readonly objects: () => readonly object[];
}

interface Sheet {
  readonly subject: string;
  readonly used: Map<string, number>;
}

interface Account {
  readonly quota: Quota;
  /** By the ids of their kinds. */
  readonly sheets: Map<string, Sheet>;
}

/**
 * What there is of what ResourceQuotas limit. The objects of a namespace are counted when a quota first asks for them; from
 * then on each change costs what it changes.
 */
export class QuotaLedger {
  /** By namespace, then by the uid of the quota. */
  readonly #accounts = new Map<string, Map<string, Account>>();

  used(quota: Quota, { id, subject, objects }: QuotaSubject): Amounts {
    const { quota: own, sheets } = this.#accountOf(quota);
    const present = sheets.get(id);
    if (present) return present.used;
    const names = Object.keys(quota.spec?.hard ?? {}).filter((name) => quotaSubject(name) === subject);
    const sheet = { subject, used: new Map(names.map((name) => [name, 0])) };
    for (const object of objects()) add(sheet, own, { object, sign: 1 });
    sheets.set(id, sheet);
    return sheet.used;
  }

  /** An object came (`before` is absent), changed or went (`after` is absent). */
  record(id: string, before: Namespaced | undefined, after: Namespaced | undefined): void {
    const namespace = (after ?? before)?.metadata?.namespace ?? '';
    for (const { quota, sheets } of this.#accounts.get(namespace)?.values() ?? []) {
      const sheet = sheets.get(id);
      if (sheet && after) add(sheet, quota, { object: after, sign: 1 });
      if (sheet && before) add(sheet, quota, { object: before, sign: -1 });
    }
  }

  /** The quota is gone. */
  drop({ metadata }: Quota): void {
    const all = this.#accounts.get(metadata?.namespace ?? '');
    all?.delete(metadata?.uid ?? '');
    if (all?.size === 0) this.#accounts.delete(metadata?.namespace ?? '');
  }

  /** What was recorded may not have happened: everything is counted anew. */
  clear(): void {
    this.#accounts.clear();
  }

  /** Anew for a quota that limits something else than before. */
  #accountOf(quota: Quota): Account {
    const { namespace = '', uid = '' } = quota.metadata ?? {};
    const all = this.#accounts.get(namespace) ?? new Map<string, Account>();
    const present = all.get(uid);
    if (present && equalJson(present.quota.spec, quota.spec)) return present;
    const account = { quota, sheets: new Map<string, Sheet>() };
    this.#accounts.set(namespace, all.set(uid, account));
    return account;
  }
}

function add({ subject, used }: Sheet, quota: Quota, { object, sign }: { object: object; sign: 1 | -1 }): void {
  if (!isInQuota(quota, subject, object)) return;
  const usage = quotaUsage(subject, object);
  for (const [name, amount] of used) used.set(name, amount + sign * (usage.get(name) ?? 0));
}
