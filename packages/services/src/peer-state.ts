import type { Family, IpAddress } from '@podwire/base';
import { isErrno, type Netns } from '@podwire/kernel';
import type { Informers, Node } from '@podwire/kube';
import { type Net, openNet, type Route } from '@podwire/net';
import { type Peer, type Peers, peerFromApi } from './peers.ts';

/** The nodes of the cluster from the API server, and which of them the kernel reaches without a router. */
export class PeerState {
  readonly #own: string;
  readonly #netns: Netns | undefined;
  readonly #nodes = new Map<string, Peer>();
  #dirty = false;
  #onChange: () => void = () => {};
  /** Undefined: not tried yet. */
  #withoutDup: readonly Family[] | undefined;

  constructor(own: string, netns?: Netns) {
    this.#own = own;
    this.#netns = netns;
  }

  /** A node came, went or moved since `observe`. */
  get dirty(): boolean {
    return this.#dirty;
  }

  /** Returns what ends it. `onChange`: `dirty` is true. */
  follow(informers: Informers, onChange: () => void): () => void {
    this.#onChange = onChange;
    const end = informers.of('Node').subscribe(({ type, object }) => {
      if (type === 'deleted' ? this.#remove(object) : this.#put(object)) onChange();
    });
    return () => {
      this.#onChange = () => {};
      end();
    };
  }

  #put(node: Node): boolean {
    const name = node.metadata?.name ?? '';
    const peer = peerFromApi(node);
    if (this.#nodes.get(name)?.addresses.join() === peer.addresses.join()) return false;
    this.#nodes.set(name, peer);
    this.#dirty = true;
    return true;
  }

  #remove(node: Node): boolean {
    if (!this.#nodes.delete(node.metadata?.name ?? '')) return false;
    this.#dirty = true;
    return true;
  }

  observe(): Peers {
    this.#dirty = false;
    const net = openNet(this.#netns);
    const withoutDup = this.#tryDup();
    const seen = (name: string, peer: Peer): Peer => (name === this.#own ? peer : seenFrom(net, peer));
    try {
      const nodes = new Map([...this.#nodes].map(([name, peer]) => [name, seen(name, peer)]));
      return { nodes, ...(withoutDup.length > 0 && { withoutDup }) };
    } finally {
      net.close();
    }
  }

  /** Probes are loaded only by who asks for direct return; until they have answered the kernel counts as able. */
  #tryDup(): readonly Family[] {
    if (this.#withoutDup) return this.#withoutDup;
    this.#withoutDup = [];
    const learn = (families: readonly Family[]): void => {
      if (families.length === 0) return;
      this.#withoutDup = families;
      this.#dirty = true;
      this.#onChange();
    };
    // Where nothing can be tried, the kernel has the last word when the rules come.
    void familiesWithoutDup().then(learn, () => {});
    return this.#withoutDup;
  }
}

/** Not those whose probe cannot tell. */
async function familiesWithoutDup(): Promise<Family[]> {
  const { probe } = await import('@podwire/kernel/probe');
  const lacks = (name: 'nft-dup' | 'nft-dup-ipv6'): boolean => probe(name).outcome === 'no';
  return [...(lacks('nft-dup') ? (['ipv4'] as const) : []), ...(lacks('nft-dup-ipv6') ? (['ipv6'] as const) : [])];
}

function seenFrom(net: Net, { addresses }: Peer): Peer {
  const distant = addresses.filter((address) => !isOnLink(net, address));
  return distant.length > 0 ? { addresses, distant } : { addresses };
}

function isOnLink(net: Net, destination: IpAddress): boolean {
  const route = routeTo(net, destination);
  if (!route || (route.type ?? 'unicast') !== 'unicast') return false;
  return route.via === undefined && route.nextHops === undefined && route.encap === undefined;
}

/** Also undefined where the kernel has no such family. */
function routeTo(net: Net, destination: IpAddress): Route | undefined {
  try {
    return net.lookupRoute({ destination });
  } catch (error) {
    if (isErrno(error, 'EOPNOTSUPP', 'EAFNOSUPPORT', 'EINVAL')) return undefined;
    throw error;
  }
}
