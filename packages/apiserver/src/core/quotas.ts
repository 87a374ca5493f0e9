import {
  type Amounts,
  formatQuotaAmount,
  isInQuota,
  type Kind,
  QuotaLedger,
  quantityValue,
  quotaSubject,
  quotaUsage,
} from '@podwire/kube';
import type { Container, PodSpec, ResourceQuota } from 'kubernetes-types/core/v1.js';
import type { ApiObject } from '../seam.ts';
import { forbidden, qualified } from './status.ts';
import type { Store } from './store.ts';

interface Written {
  readonly object: ApiObject;
  /** Absent when it is new. */
  readonly old?: ApiObject | undefined;
}

/** Sums of fractions are not exact. */
const LESS_THAN_COUNTS = 1e-4;
/** What every container must say of itself where a quota limits it. */
const TO_BE_SAID = /^((requests|limits)\.)?(cpu|memory)$/;

/**
 * Refuses writes that would take more than a ResourceQuota of the namespace leaves. What there is, is counted together with
 * writes that are not yet durable, so that no two take the same rest; the status of the quota, which a controller keeps, does
 * not matter.
 */
export class Quotas {
  readonly #store: Store;
  readonly #ledger = new QuotaLedger();

  constructor(store: Store) {
    this.#store = store;
    store.onStaged((kind, before, after) => {
      this.#ledger.record(kind, before, after);
      if (kind === 'ResourceQuota' && before && !after) this.#ledger.drop(before as ResourceQuota);
    });
    store.onRefusal(() => this.#ledger.clear());
  }

  /** Throws 403. Books nothing: the write does. */
  check(kind: Kind, { object, old }: Written): void {
    const { namespace = '', name = '' } = object.metadata;
    const quotas = namespace ? this.#store.latestIn('ResourceQuota', namespace) : [];
    const subject = qualified(kind);
    for (const quota of quotas as unknown as readonly ResourceQuota[]) {
      const names = Object.keys(quota.spec?.hard ?? {}).filter((one) => quotaSubject(one) === subject);
      if (names.length === 0 || !isInQuota(quota, subject, object)) continue;
      const silent = subject === 'pods' && !old ? unsaid(object.spec as PodSpec, names) : '';
      if (silent) throw forbidden(kind, name, `failed quota: ${quota.metadata?.name}: must specify ${silent}`);
      const added = growth(names, quotaUsage(subject, object), old && quotaUsage(subject, old));
      if (added.size === 0) continue;
      const objects = () => this.#store.latestIn(kind.id, namespace);
      const excess = excessOf(quota, added, this.#ledger.used(quota, { id: kind.id, subject, objects }));
      if (excess) throw forbidden(kind, name, excess);
    }
  }
}

/** `requests.cpu for: one,two; requests.memory for: two`; empty when all is said. */
function unsaid({ containers, initContainers = [] }: PodSpec, names: readonly string[]): string {
  const all = [...containers, ...initContainers];
  return names
    .filter((name) => TO_BE_SAID.test(name))
    .sort()
    .flatMap((name) => {
      const silent = all.filter((container) => !says(container, name)).map((container) => container.name);
      return silent.length > 0 ? [`${name} for: ${silent.sort().join(',')}`] : [];
    })
    .join('; ');
}

function says({ resources = {} }: Container, name: string): boolean {
  const [part, resource] = name.includes('.') ? name.split('.') : ['requests', name];
  const said = part === 'limits' ? resources.limits : resources.requests;
  return Object.hasOwn(said ?? {}, resource ?? '');
}

/** By how much a write takes more than before, where it does. */
function growth(names: readonly string[], after: Amounts, before?: Amounts): Amounts {
  const amounts = names.map((name) => [name, (after.get(name) ?? 0) - (before?.get(name) ?? 0)] as const);
  return new Map(amounts.filter(([, amount]) => amount > 0));
}

function excessOf({ metadata, spec }: ResourceQuota, added: Amounts, used: Amounts): string | undefined {
  const hard = spec?.hard ?? {};
  const isExceeded = ([name, amount]: readonly [string, number]) =>
    amount + (used.get(name) ?? 0) - quantityValue(hard[name] ?? '0') > LESS_THAN_COUNTS;
  const exceeded = [...added].filter(isExceeded).map(([name]) => name);
  if (exceeded.length === 0) return undefined;
  const list = (text: (name: string) => string) =>
    exceeded
      .sort()
      .map((name) => `${name}=${text(name)}`)
      .join();
  const amountOf = (amounts: Amounts) => (name: string) => formatQuotaAmount(name, amounts.get(name) ?? 0);
  const limited = list((name) => hard[name] ?? '0');
  return `exceeded quota: ${metadata?.name}, requested: ${list(amountOf(added))}, used: ${list(amountOf(used))}, limited: ${limited}`;
}
