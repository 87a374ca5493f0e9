import { atMost } from '@podwire/base';
import type { Informer, Informers, KindName, ObjectOf, StoreEvent } from '@podwire/kube';
import type { NodeState } from './node-state.ts';
import type { PeerState } from './peer-state.ts';
import type { ProxyCounts } from './proxy-counts.ts';
import type { ServiceStore } from './service-store.ts';
import { keysOfSlice } from './snapshot.ts';

/**
 * API servers before 1.33 have no ServiceCIDR, and most have no ServiceImport: a server that does not say so is not waited
 * for any longer, in ms.
 */
const PATIENCE = 5000;

/** What is kept of them. */
export interface Followed {
  readonly store: ServiceStore;
  readonly node: NodeState;
  readonly peers: PeerState;
  readonly counts: ProxyCounts;
}

/** Puts what informers say into what the room knows, and calls back when something of it is new. */
export class FollowedObjects {
  readonly #informers: Informers;
  readonly #store: ServiceStore;
  readonly #node: NodeState;
  readonly #peers: PeerState;
  readonly #counts: ProxyCounts;
  readonly #onChange: () => void;
  readonly #unsubscribe: (() => void)[] = [];

  constructor(informers: Informers, { store, node, peers, counts }: Followed, onChange: () => void) {
    this.#informers = informers;
    this.#store = store;
    this.#node = node;
    this.#peers = peers;
    this.#counts = counts;
    this.#onChange = onChange;
  }

  /** Resolves when all that is there has been told. */
  async begin(): Promise<void> {
    const [store, node] = [this.#store, this.#node];
    const services = this.#follow(
      'Service',
      (one) => store.putService(one),
      (one) => store.removeService(one),
      () => this.#counts.serviceTold(),
    );
    const slices = this.#follow(
      'EndpointSlice',
      (one) => store.putSlice(one),
      (one) => store.removeSlice(one),
      // of no service: no pass follows that it could be in force after
      (event) => keysOfSlice(event.object).length > 0 && this.#counts.sliceTold(event),
    );
    const imports = this.#follow(
      'ServiceImport',
      (one) => store.putImport(one),
      (one) => store.removeImport(one),
    );
    const nodes = this.#follow(
      'Node',
      (one) => node.put(one),
      (one) => node.remove(one),
    );
    const onPeer = () => {
      if (store.wantsPeers) this.#onChange();
    };
    this.#unsubscribe.push(this.#peers.follow(this.#informers, onPeer));
    const ranges = this.#follow(
      'ServiceCIDR',
      (one) => store.putRange(one),
      (one) => store.removeRange(one),
    );
    const optional = [ranges, imports].map(({ settled }) => atMost(PATIENCE, settled));
    await Promise.all([services.synced, slices.synced, nodes.synced, ...optional]);
  }

  stop(): void {
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
  }

  #follow<K extends KindName>(
    kind: K,
    put: (object: ObjectOf<K>) => void,
    remove: (object: ObjectOf<K>) => void,
    count?: (event: StoreEvent<ObjectOf<K>>) => unknown,
  ): Informer<K> {
    const informer = this.#informers.of(kind);
    const unsubscribe = informer.subscribe((event) => {
      // a slice that changes its service leaves the old one
      if (event.type === 'modified') remove(event.previous);
      if (event.type === 'deleted') remove(event.object);
      else put(event.object);
      count?.(event);
      if (this.#store.dirty || this.#node.dirty) this.#onChange();
    });
    this.#unsubscribe.push(unsubscribe);
    return informer;
  }
}
