import {
  createRunner,
  done,
  hasCode,
  type IpAddress,
  type Logger,
  messageOf,
  type Outcome,
  type Runner,
} from '@podwire/base';
import { type ClusterConfig, type Informers, type KubeClient, recordEvent, type Service } from '@podwire/kube';
import { planAllocation, type Refusal } from './allocation-plan.ts';
import { claimantFromApi, isOurs, serviceKey, statusAddresses, usablePools } from './model-from-api.ts';

export interface AllocatorOptions {
  readonly client: KubeClient;
  readonly informers: Informers;
  readonly config: ClusterConfig;
  readonly logger: Logger;
}

export interface AddressAllocator {
  /** Resolves when all changes seen so far are written. */
  idle(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * The cluster-wide half: gives every Service of type LoadBalancer an address and writes it to its status. One per cluster.
 * The statuses are its only store, so a restart changes nothing.
 */
export async function startAddressAllocator(options: AllocatorOptions): Promise<AddressAllocator> {
  const allocator = new Allocator(options);
  await allocator.start();
  return allocator;
}

class Allocator implements AddressAllocator {
  readonly #options: AllocatorOptions;
  readonly #runner: Runner;
  /** Until the informer shows it. */
  readonly #written = new Map<string, IpAddress>();
  readonly #told = new Map<string, string>();
  #unsubscribe = (): void => {};

  constructor(options: AllocatorOptions) {
    this.#options = options;
    this.#runner = createRunner({ name: 'address-allocator', run: () => this.#pass(), logger: options.logger });
  }

  async start(): Promise<void> {
    const services = this.#options.informers.of('Service');
    await services.synced;
    this.#unsubscribe = services.subscribe(() => this.#runner.trigger());
    this.#runner.trigger();
  }

  idle(): Promise<void> {
    return this.#runner.idle();
  }

  async stop(): Promise<void> {
    this.#unsubscribe();
    await this.#runner.stop();
  }

  async #pass(): Promise<Outcome> {
    const services = this.#options.informers.of('Service').list();
    const ours = services.filter(isOurs);
    this.#forget(services);
    const { addresses, refusals } = planAllocation({
      pools: usablePools(this.#options.config.loadBalancerPools),
      services: ours.map((service) => claimantFromApi(service, this.#written.get(idOf(service)))),
    });
    const failures: string[] = [];
    for (const service of services) {
      if (!isOurs(service) && !isLeftOver(service)) continue;
      const failure = await this.#write(service, addresses.get(serviceKey(service)));
      if (failure) failures.push(failure);
    }
    for (const service of ours) await this.#tell(service, refusals.get(serviceKey(service)));
    return failures.length ? { kind: 'retry', reason: failures.join('; ') } : done;
  }

  #forget(services: readonly Service[]): void {
    const present = new Map(services.map((service) => [idOf(service), service]));
    for (const [id, address] of this.#written) {
      const service = present.get(id);
      if (!service || !isOurs(service) || statusAddresses(service)[0] === address) this.#written.delete(id);
    }
    for (const id of this.#told.keys()) if (!present.has(id)) this.#told.delete(id);
  }

  async #write(service: Service, address: IpAddress | undefined): Promise<string | undefined> {
    const shown = statusAddresses(service);
    if (shown.length === (address ? 1 : 0) && shown[0] === address) return undefined;
    if (address && this.#written.get(idOf(service)) === address) return undefined;
    const { client, logger } = this.#options;
    const { name = '', namespace = '' } = service.metadata ?? {};
    const ingress = address ? [{ ip: address, ipMode: 'VIP' }] : [];
    try {
      await client.patch(
        'Service',
        { name, namespace },
        { status: { loadBalancer: { ingress } } },
        { subresource: 'status' },
      );
      if (address) this.#written.set(idOf(service), address);
      logger.info('load-balancer address changed', { service: serviceKey(service), address: address ?? 'none' });
      return undefined;
    } catch (error) {
      if (hasCode(error, 'KUBE_NOT_FOUND')) return undefined;
      return `the status of Service ${serviceKey(service)} was not written: ${messageOf(error)}`;
    }
  }

  /** Once per service and message. */
  async #tell(service: Service, refusal: Refusal | undefined): Promise<void> {
    const id = idOf(service);
    if (this.#told.get(id) === refusal?.message) return;
    if (!refusal) {
      this.#told.delete(id);
      return;
    }
    this.#told.set(id, refusal.message);
    const { name = '', namespace = '', uid = '' } = service.metadata ?? {};
    await recordEvent(this.#options.client, {
      object: { apiVersion: 'v1', kind: 'Service', name, namespace, uid },
      type: 'Warning',
      reason: refusal.reason,
      message: refusal.message,
      component: 'podwire-load-balancer',
    });
  }
}

const idOf = (service: Service): string => service.metadata?.uid ?? serviceKey(service);

/** No longer a load balancer, and its status still says so (LB-2). */
function isLeftOver(service: Service): boolean {
  return service.spec?.type !== 'LoadBalancer' && (service.status?.loadBalancer?.ingress ?? []).length > 0;
}
