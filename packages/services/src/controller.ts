import { createRunner, done, messageOf, type Outcome, type Runner } from '@podwire/base';
import type { Netns } from '@podwire/kernel';
import type { Informer, KindName, ObjectOf, PlanEntry, Room, RoomContext, RoomStatus } from '@podwire/kube';
import { type Nft, openNft } from '@podwire/nft';
import { KernelRules } from './apply.ts';
import { nodeFromApi } from './model-from-api.ts';
import { observeDrift } from './observe.ts';
import { ServiceIndex } from './service-index.ts';
import { clusterModel } from './snapshot.ts';

/** Changes within this time go into one transaction, in ms. */
const MIN_INTERVAL = 5;
/** Rules that someone else deleted or changed are mended at least this often, in ms. */
const DRIFT_INTERVAL = 60_000;

/** The service proxy of one node: ClusterIP, NodePort, LoadBalancer and external addresses by nftables. */
export function createServicesRoom(context: RoomContext & { readonly netns?: Netns }): Room {
  return new ServicesRoom(context);
}

class ServicesRoom implements Room {
  readonly name = 'services';
  readonly #context: RoomContext & { readonly netns?: Netns };
  readonly #index: ServiceIndex;
  readonly #runner: Runner;
  readonly #facts = { commands: 0, passes: 0, flowsForgotten: 0 };
  readonly #unsubscribe: (() => void)[] = [];
  #nft: Nft | undefined;
  #rules: KernelRules | undefined;
  #look = true;
  #asked = false;

  constructor(context: RoomContext & { readonly netns?: Netns }) {
    this.#context = context;
    this.#index = new ServiceIndex(clusterModel(context.config), nodeFromApi(undefined, context.nodeName));
    this.#runner = createRunner({
      name: this.name,
      run: async () => this.#pass(),
      logger: context.logger,
      minInterval: MIN_INTERVAL,
      maxInterval: DRIFT_INTERVAL,
    });
  }

  async start(): Promise<void> {
    const { informers, nodeName } = this.#context;
    const services = informers.of('Service');
    const slices = informers.of('EndpointSlice');
    const nodes = informers.of('Node');
    this.#follow(
      services,
      (service) => this.#index.putService(service),
      (service) => this.#index.removeService(service),
    );
    this.#follow(
      slices,
      (slice) => this.#index.putSlice(slice),
      (slice) => this.#index.removeSlice(slice),
    );
    const setNode = (node: ObjectOf<'Node'>): unknown =>
      node.metadata?.name === nodeName && this.#index.setNode(nodeFromApi(node, nodeName));
    // a deleted node keeps its rules: traffic goes on while it drains
    this.#follow(nodes, setNode, () => {});
    await Promise.all([services.synced, slices.synced, nodes.synced]);
    this.#rules = new KernelRules(this.#openNft(), this.#context.netns);
    this.#runner.trigger();
    await this.#runner.idle();
  }

  #follow<K extends KindName>(
    informer: Informer<K>,
    put: (object: ObjectOf<K>) => void,
    remove: (object: ObjectOf<K>) => void,
  ): void {
    const unsubscribe = informer.subscribe((event) => {
      // a slice that changes its service leaves the old one
      if (event.type === 'modified') remove(event.previous);
      if (event.type === 'deleted') remove(event.object);
      else put(event.object);
      if (!this.#index.dirty) return;
      this.#asked = true;
      if (this.#rules) this.#runner.trigger();
    });
    this.#unsubscribe.push(unsubscribe);
  }

  async stop(): Promise<void> {
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
    await this.#runner.stop();
    this.#rules?.close();
    if (!this.#rules) this.#nft?.close();
    this.#rules = undefined;
    this.#nft = undefined;
  }

  async cleanup(): Promise<void> {
    await this.stop();
    const rules = new KernelRules(this.#openNft(), this.#context.netns);
    rules.delete();
    rules.close();
    this.#nft = undefined;
  }

  async resync(): Promise<Outcome> {
    this.#look = true;
    this.#runner.trigger();
    await this.#runner.idle();
    return this.#runner.last ?? done;
  }

  idle(): Promise<void> {
    return this.#runner.idle();
  }

  status(): RoomStatus {
    const desired = this.#rules && this.#index.desired();
    const last = this.#runner.last;
    const failed = last && last.kind !== 'done' ? [last.reason] : [];
    const sets = desired?.table.sets ?? [];
    const size = (name: string): number => sets.find((set) => set.name === name)?.elements.length ?? 0;
    return {
      room: this.name,
      ready: last?.kind === 'done',
      errors: [...failed, ...(desired?.problems ?? [])],
      facts: {
        ...this.#facts,
        addresses: desired?.entries.length ?? 0,
        slots: size('ep'),
        refused: size('rejected'),
        dropped: size('dropped'),
      },
    };
  }

  plan(): readonly PlanEntry[] {
    return this.#index.desired().entries;
  }

  async diff(): Promise<readonly PlanEntry[]> {
    return observeDrift(this.#openNft(), this.#index.desired());
  }

  #openNft(): Nft {
    this.#nft ??= openNft(this.#context.netns);
    return this.#nft;
  }

  /** A pass that nothing asked for looks for drift. */
  #pass(): Outcome {
    if (!this.#rules) return done;
    const look = this.#look || !this.#asked;
    this.#asked = false;
    const desired = this.#index.desired();
    try {
      const { commands, flowsForgotten } = this.#rules.apply(desired, look);
      this.#look = false;
      this.#facts.commands = commands;
      this.#facts.passes++;
      this.#facts.flowsForgotten += flowsForgotten;
      this.#context.logger.debug('services applied', { commands, flowsForgotten, problems: desired.problems.length });
      return done;
    } catch (error) {
      this.#look = true;
      return { kind: 'retry', reason: `services are not in force: ${messageOf(error)}` };
    }
  }
}
