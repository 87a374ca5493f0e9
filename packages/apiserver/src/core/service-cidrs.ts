import { type IpAddress, type Prefix, parsePrefix, prefixContains, prefixesOverlap, prefixParts } from '@podwire/base';
import { equalJson, kindNamed } from '@podwire/kube';
import type { Condition } from 'kubernetes-types/meta/v1.js';
import type { ApiObject } from '../seam.ts';
import { AddressRange, type IpFamily, ipFamilyOf } from './address-range.ts';
import { isForService } from './ip-address-objects.ts';
import { newObject, timestamp } from './lifecycle.ts';
import type { Store } from './store.ts';

const KIND = kindNamed('ServiceCIDR');
const FINALIZER = 'networking.k8s.io/service-cidr-finalizer';
/** Made from the configuration of the cluster, and made again when it is gone. */
const DEFAULT_NAME = 'kubernetes';
const IN_USE =
  'There are still IPAddresses referencing the ServiceCIDR, please remove them or create a new ServiceCIDR';

/**
 * The ranges that cluster addresses come from. A ServiceCIDR is ready as soon as it is there; one that is being deleted
 * gives no more addresses and stays until nobody has one that no other ServiceCIDR covers.
 */
export class ServiceCidrs {
  readonly #store: Store;
  readonly #configured: readonly Prefix[];
  readonly #promised: () => Iterable<string>;
  readonly #ranges = new Map<string, AddressRange>();

  /** One range per family; the first is the default family. `promised`: addresses that are about to be objects. */
  constructor(store: Store, configured: readonly Prefix[], promised: () => Iterable<string>) {
    this.#store = store;
    this.#promised = promised;
    const families = configured.map(ipFamilyOf);
    this.#configured = configured.filter((_, index) => families.indexOf(families[index] as IpFamily) === index);
  }

  /** The families of the cluster, the default one first. */
  get families(): readonly IpFamily[] {
    return this.#configured.map(ipFamilyOf);
  }

  /** Ranges new addresses come from, those of the configuration first. */
  ranges(family: IpFamily): readonly AddressRange[] {
    const live = this.#live()
      .filter(isReady)
      .sort((a, b) => Number(isDefault(b)) - Number(isDefault(a)));
    const prefixes = live.flatMap(prefixesOf).filter((prefix) => ipFamilyOf(prefix) === family);
    return prefixes.map((prefix) => {
      const range = this.#ranges.get(prefix) ?? new AddressRange(prefix);
      this.#ranges.set(prefix, range);
      return range;
    });
  }

  /** Says of addresses whether any ServiceCIDR there is now, also one that is going, holds them. */
  coverage(): (address: IpAddress) => boolean {
    const prefixes = this.#all().flatMap(prefixesOf);
    return (address) => prefixes.some((prefix) => prefixContains(prefix, address));
  }

  /** Makes the default ServiceCIDR when it is missing; a cluster that becomes dual-stack extends it. */
  ensureDefault(): Promise<ApiObject> | undefined {
    const cidrs = [...this.#configured];
    const present = this.#all().find(isDefault);
    if (present) {
      const [first, ...more] = prefixesOf(present);
      const grows =
        cidrs.length === 2 && more.length === 0 && first === cidrs[0] && !present.metadata.deletionTimestamp;
      return grows ? this.#store.put('ServiceCIDR', { ...present, spec: { cidrs } }) : undefined;
    }
    if (cidrs.length === 0) return undefined;
    const draft = { apiVersion: KIND.apiVersion, kind: KIND.kind, metadata: { name: DEFAULT_NAME }, spec: { cidrs } };
    return this.#store.put('ServiceCIDR', protectedCidr(newObject(KIND, draft, undefined)));
  }

  /** What the default ServiceCIDR and the configuration do not agree on; undefined: nothing. */
  inconsistency(): { readonly object: ApiObject; readonly message: string } | undefined {
    const object = this.#all().find(isDefault);
    if (!object || equalJson(prefixesOf(object), this.#configured)) return undefined;
    const [is, configured] = [prefixesOf(object), this.#configured].map((prefixes) => `[${prefixes.join(' ')}]`);
    const message = `The default ServiceCIDR ${is} does not match the controller flag configurations ${configured}`;
    return { object, message };
  }

  /** Lets go those that are being deleted and that nobody needs, and says of the others why they stay. */
  settle(): void {
    for (const cidr of this.#all()) {
      if (!cidr.metadata.deletionTimestamp) continue;
      const finalizers = (cidr.metadata.finalizers ?? []).filter((name) => name !== FINALIZER);
      if (finalizers.length === cidr.metadata.finalizers?.length) continue;
      if (this.#isNeeded(cidr)) this.#mark(cidr);
      else if (finalizers.length > 0) {
        this.#write({ ...cidr, metadata: { ...cidr.metadata, finalizers } });
      } else {
        this.#store.remove('ServiceCIDR', cidr).catch(ignore);
      }
    }
    this.ensureDefault()?.catch(ignore);
  }

  #isNeeded(cidr: ApiObject): boolean {
    const others = this.#live().flatMap(prefixesOf);
    const own = prefixesOf(cidr).filter((prefix) => !others.some((other) => holds(other, prefix)));
    if (own.length === 0) return false;
    const covers = (prefixes: readonly Prefix[], address: string) =>
      prefixes.some((prefix) => prefixContains(prefix, address as IpAddress));
    const isOnlyHere = (address: string) => covers(own, address) && !covers(others, address);
    const isUsed = (object: ApiObject) => isForService(object) && isOnlyHere(object.metadata.name ?? '');
    return [...this.#promised()].some(isOnlyHere) || this.#store.latestOf('IPAddress').some(isUsed);
  }

  #mark(cidr: ApiObject): void {
    const condition = { type: 'Ready', status: 'False', reason: 'Terminating', message: IN_USE } as const;
    this.#write({ ...cidr, status: withCondition(cidr, condition) });
  }

  #write(cidr: ApiObject): void {
    const before = this.#store.latest('ServiceCIDR', cidr.metadata.name ?? '');
    if (!equalJson(cidr, before)) this.#store.put('ServiceCIDR', cidr).catch(ignore);
  }

  #live(): ApiObject[] {
    return this.#all().filter(({ metadata }) => !metadata.deletionTimestamp);
  }

  #all(): readonly ApiObject[] {
    return this.#store.latestOf('ServiceCIDR');
  }
}

/** A new ServiceCIDR as the server keeps it: ready, and protected from deletion. */
export function protectedCidr(cidr: ApiObject): ApiObject {
  const finalizers = [...new Set([...(cidr.metadata.finalizers ?? []), FINALIZER])];
  const condition = { type: 'Ready', status: 'True', reason: '', message: 'Kubernetes Service CIDR is ready' } as const;
  return { ...cidr, metadata: { ...cidr.metadata, finalizers }, status: withCondition(cidr, condition) };
}

/** Whoever may write its status can close a range to new addresses. */
function isReady({ status }: ApiObject): boolean {
  const conditions = (status as { conditions?: Condition[] } | undefined)?.conditions ?? [];
  return conditions.find(({ type }) => type === 'Ready')?.status !== 'False';
}

const isDefault = ({ metadata }: ApiObject) => metadata.name === DEFAULT_NAME;

function prefixesOf({ spec }: ApiObject): Prefix[] {
  return ((spec as { cidrs?: string[] } | undefined)?.cidrs ?? []).map(parsePrefix);
}

function holds(outer: Prefix, inner: Prefix): boolean {
  return prefixesOverlap(outer, inner) && prefixParts(outer).length <= prefixParts(inner).length;
}

type Said = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

/** The time stays as long as the status of the condition does. */
function withCondition({ status }: ApiObject, said: Said): { conditions: Condition[] } {
  const conditions = (status as { conditions?: Condition[] } | undefined)?.conditions ?? [];
  const before = conditions.find(({ type }) => type === said.type);
  const since = before?.status === said.status ? before.lastTransitionTime : timestamp();
  const now = { ...said, lastTransitionTime: since } as Condition;
  return { conditions: [...conditions.filter(({ type }) => type !== said.type), now] };
}

/** The server refuses all writes once one has failed, and tells whoever asks. */
function ignore(): void {}
