import type { ServiceCIDR } from '@podwire/kube';
import { type ClusterModel, familiesOf, ofFamily } from './model.ts';
import { disjointPrefixes } from './model-from-api.ts';

/**
 * The ranges cluster addresses come from: those of the configuration and of every ServiceCIDR there is, also one that is
 * being deleted, for its addresses are in use until it goes. Families the configuration does not have are left out.
 */
export class ServiceRanges {
  readonly #configured: ClusterModel;
  readonly #objects = new Map<string, readonly string[]>();

  constructor(configured: ClusterModel) {
    this.#configured = configured;
  }

  put({ metadata, spec }: ServiceCIDR): void {
    this.#objects.set(metadata?.name ?? '', spec?.cidrs ?? []);
  }

  remove({ metadata }: ServiceCIDR): void {
    this.#objects.delete(metadata?.name ?? '');
  }

  model(): ClusterModel {
    const all = disjointPrefixes([...this.#configured.serviceCidrs, ...[...this.#objects.values()].flat()]);
    const serviceCidrs = familiesOf(this.#configured).flatMap((family) => ofFamily(all, family));
    return { ...this.#configured, serviceCidrs };
  }
}
