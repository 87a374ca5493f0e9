import { isDeepStrictEqual } from 'node:util';
import { selectorMatches } from '@podwire/base';
import { ObjectIndex, type ObjectOf, recordEvent, type WorkQueue } from '@podwire/kube';
import {
  type Controller,
  type ControllerContext,
  keyOf,
  nameOf,
  namespaceOf,
  objectKey,
  splitKey,
  visible,
} from './context.ts';
import { OVER_CAPACITY, planEndpoints } from './endpoints-object.ts';
import { isMirror } from './mirrored-slices.ts';
import { startReconciler } from './reconciler.ts';
import { SliceWriter } from './slice-writer.ts';
import { hasSelector, MANAGED_BY, MANAGER, planSlices, type SlicePlan, serviceKeyOf } from './slices.ts';
import { planTopology, type Topology, topologyKey } from './topology.ts';
import { distributionOf } from './topology-hints.ts';
import { TriggerTimes } from './trigger-times.ts';

type Pod = ObjectOf<'Pod'>;
type Service = ObjectOf<'Service'>;
type EndpointSlice = ObjectOf<'EndpointSlice'>;

/** Service, Pod, Node ──▶ EndpointSlice, Endpoints */
export function startEndpointSlices(context: ControllerContext): Controller {
  return new EndpointSliceController(context);
}

class EndpointSliceController implements Controller {
  readonly #context: ControllerContext;
  readonly #queue: WorkQueue;
  readonly #writer: SliceWriter;
  readonly #services: ObjectIndex<'Service'>;
  readonly #pods: ObjectIndex<'Pod'>;
  readonly #slices: ObjectIndex<'EndpointSlice'>;
  readonly #ends: (() => void)[];
  /** What was last said about the hints of a Service. */
  readonly #said = new Map<string, string>();
  readonly #triggers = new TriggerTimes();
  #topology: Topology | undefined;

  constructor(context: ControllerContext) {
    const { informers, logger } = context;
    this.#context = context;
    this.#queue = startReconciler({ name: 'endpointslice', logger, reconcile: (key) => this.#reconcile(key) });
    this.#writer = new SliceWriter(context);
    this.#services = new ObjectIndex(informers.of('Service'), (service) => selectorKeys(service).slice(0, 1));
    this.#pods = new ObjectIndex(informers.of('Pod'), labelKeys);
    this.#slices = new ObjectIndex(informers.of('EndpointSlice'), (slice) => [serviceKeyOf(slice)]);
    this.#ends = [
      ...[this.#services, this.#pods, this.#slices].map(({ stop }) => stop),
      informers.of('Service').subscribe(({ object }) => this.#queue.add(keyOf(object))),
      informers.of('Pod').subscribe((event) => {
        this.#touch(event.object);
        if (event.type === 'modified') this.#touch(event.previous);
      }),
      informers.of('Node').subscribe((event) => {
        const same = event.type === 'modified' && topologyKey(event.previous) === topologyKey(event.object);
        if (!same) this.#touchAll();
      }),
      // Somebody else may have changed or deleted one, or may have taken over.
      informers.of('EndpointSlice').subscribe(({ type, object }) => {
        if (type === 'added' ? isMirror(object) : isManaged(object)) this.#queue.add(serviceKeyOf(object));
      }),
    ];
  }

  stop(): void {
    for (const end of this.#ends) end();
    this.#queue.shutDown();
  }

  #touch(pod: Pod): void {
    for (const service of labelKeys(pod).flatMap((key) => this.#services.get(key)))
      if (selectorMatches({ matchLabels: service.spec?.selector ?? {} }, pod.metadata?.labels))
        this.#queue.add(keyOf(service));
  }

  #touchAll(): void {
    this.#topology = undefined;
    for (const service of this.#context.informers.of('Service').list())
      if (hasSelector(service)) this.#queue.add(keyOf(service));
  }

  async #reconcile(key: string): Promise<undefined> {
    const { name, namespace } = splitKey(key);
    const { client, informers } = this.#context;
    const service = informers.of('Service').get(name, namespace);
    const slices = this.#slices.get(key);
    const present = slices.filter(isManaged);
    if (!service || service.metadata?.deletionTimestamp || service.spec?.type === 'ExternalName') {
      this.#said.delete(key);
      this.#triggers.forget(key);
      await this.#writer.apply([], present);
      if (!service && informers.of('Endpoints').get(name, namespace))
        await client.delete('Endpoints', { name, namespace });
    } else if (hasSelector(service)) {
      const plan = planSlices(service, {
        pods: this.#pods.shortest(selectorKeys(service)),
        ...{ topology: this.#where(), slices },
        isTaken: (name) => informers.of('EndpointSlice').get(name, namespace) !== undefined,
      });
      await this.#writer.apply(plan.slices, present, this.#triggers.next(service, plan.pods) ?? null);
      await this.#writeEndpoints(planEndpoints(service, plan.slices));
      await this.#tell(service, plan);
    }
    // Without a selector the endpoints stay as they were until somebody else says which they are.
    else if (slices.some(isMirror)) await this.#writer.apply([], present);
  }

  #where(): Topology {
    this.#topology ??= planTopology(this.#context.informers.of('Node').list());
    return this.#topology;
  }

  async #writeEndpoints(wanted: ObjectOf<'Endpoints'>): Promise<void> {
    const { client, informers } = this.#context;
    const endpoints = informers.of('Endpoints');
    const present = endpoints.get(nameOf(wanted), namespaceOf(wanted));
    const annotation = (object: ObjectOf<'Endpoints'>) => object.metadata?.annotations?.[OVER_CAPACITY] ?? null;
    const content = (object: ObjectOf<'Endpoints'>) => [object.subsets ?? [], annotation(object)];
    if (!present) await visible(endpoints, await client.create('Endpoints', wanted));
    else if (!isDeepStrictEqual(content(present), content(wanted))) {
      const metadata = { annotations: { [OVER_CAPACITY]: annotation(wanted) } };
      const patch = { subsets: wanted.subsets ?? null, metadata };
      await visible(endpoints, await client.patch('Endpoints', objectKey(wanted), patch));
    }
  }

  /** An Event whenever it changes whether a Service with topology-mode Auto has its hints, and why not. */
  async #tell(service: Service, { unhinted }: SlicePlan): Promise<void> {
    const key = keyOf(service);
    const asked = distributionOf(service) === 'in-proportion';
    if (!asked && !this.#said.has(key)) return;
    const reasons = Object.entries(unhinted).map(([type, reason]) => `${reason}, addressType: ${type}`);
    const message = asked ? reasons.join('; ') || 'Topology Aware Hints have been enabled' : 'the annotation is gone';
    if (this.#said.get(key) === message) return;
    if (asked) this.#said.set(key, message);
    else this.#said.delete(key);
    const { name = '', namespace, uid } = service.metadata ?? {};
    const enabled = asked && reasons.length === 0;
    await recordEvent(this.#context.client, {
      object: { apiVersion: 'v1', kind: 'Service', name, ...(namespace && { namespace }), ...(uid && { uid }) },
      type: asked && reasons.length > 0 ? 'Warning' : 'Normal',
      reason: enabled ? 'TopologyAwareHintsEnabled' : 'TopologyAwareHintsDisabled',
      message,
      component: 'endpoint-slice-controller',
    });
  }
}

const isManaged = ({ metadata }: EndpointSlice): boolean => metadata?.labels?.[MANAGED_BY] === MANAGER;

/** The labels its pods must have; one of them is enough to find those that may match. */
function selectorKeys(service: Service): string[] {
  const labels = hasSelector(service) ? Object.entries(service.spec?.selector ?? {}) : [];
  return labels.map((label) => labelKey(service, label));
}

const labelKeys = (pod: Pod): string[] =>
  Object.entries(pod.metadata?.labels ?? {}).map((label) => labelKey(pod, label));
const labelKey = (object: Pod | Service, [name, value]: readonly [string, string]): string =>
  `${namespaceOf(object)}/${name}=${value}`;
