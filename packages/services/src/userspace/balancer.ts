import { slotsOf } from '../choice/slot.ts';
import { fnv1a } from '../fnv.ts';
import { type EndpointModel, endpointName } from '../model.ts';
import type { ListenerPlan } from './listener-plan.ts';

/** Clients remembered for affinity, per listener; the one not seen for longest is forgotten first. */
const MOST_CLIENTS = 1 << 16;

type Choosing = Pick<ListenerPlan, 'endpoints' | 'affinitySeconds' | 'balance'>;

/** Chooses endpoints of one listener: in turn, or as the service asks. */
export class Balancer {
  #plan: Choosing;
  #slots: readonly EndpointModel[];
  #next = 0;
  /** By client address, in the order of expiry. */
  readonly #clients = new Map<string, { readonly endpoint: string; readonly until: number }>();
  /** Connections by endpoint. */
  readonly #active = new Map<string, number>();

  constructor(plan: Choosing) {
    this.#plan = plan;
    this.#slots = slotsFor(plan);
  }

  update(plan: Choosing): void {
    this.#plan = plan;
    this.#slots = slotsFor(plan);
    if (plan.affinitySeconds === 0) this.#clients.clear();
  }

  /** Every endpoint once, in the order in which to try them; taking the first uses up its turn. */
  *choose(client: string, now = Date.now()): Generator<EndpointModel> {
    const tried = new Set<string>();
    const sticky = this.#stickyOf(client, now);
    if (sticky) {
      tried.add(endpointName(sticky));
      yield sticky;
    }
    const slots = this.#slots;
    const start = this.#first(client);
    for (let i = 0; i < slots.length; i++) {
      const endpoint = slots[(start + i) % slots.length] as EndpointModel;
      const name = endpointName(endpoint);
      if (tried.has(name)) continue;
      tried.add(name);
      yield endpoint;
    }
  }

  /** The endpoint answered the client, which stays with it where the service has affinity. */
  answered(client: string, endpoint: EndpointModel, now = Date.now()): void {
    const { affinitySeconds } = this.#plan;
    if (affinitySeconds === 0) return;
    this.#clients.delete(client);
    this.#clients.set(client, { endpoint: endpointName(endpoint), until: now + affinitySeconds * 1000 });
    for (const [oldest, { until }] of this.#clients) {
      if (until > now && this.#clients.size <= MOST_CLIENTS) break;
      this.#clients.delete(oldest);
    }
  }

  /** A connection with the endpoint has begun (1) or ended (-1). */
  count(endpoint: EndpointModel, by: 1 | -1): void {
    const name = endpointName(endpoint);
    const count = (this.#active.get(name) ?? 0) + by;
    if (count > 0) this.#active.set(name, count);
    else this.#active.delete(name);
  }

  #stickyOf(client: string, now: number): EndpointModel | undefined {
    const known = this.#plan.affinitySeconds ? this.#clients.get(client) : undefined;
    if (!known || known.until <= now) return undefined;
    return this.#slots.find((endpoint) => endpointName(endpoint) === known.endpoint);
  }

  #first(client: string): number {
    const { length } = this.#slots;
    switch (this.#plan.balance) {
      case 'random':
        return Math.floor(Math.random() * length);
      case 'source-hash':
      case 'maglev':
        return hash(client) % length;
      case 'least-connections':
        return this.#leastUsed();
      default:
        this.#next %= Math.max(length, 1);
        return this.#next++;
    }
  }

  /** In proportion to weight; of equals the next in turn. */
  #leastUsed(): number {
    const { length } = this.#slots;
    const turn = this.#next++;
    let [best, least] = [0, Number.POSITIVE_INFINITY];
    for (let i = 0; i < length; i++) {
      const endpoint = this.#slots[(turn + i) % length] as EndpointModel;
      const load = ((this.#active.get(endpointName(endpoint)) ?? 0) + 1) / (endpoint.weight ?? 1);
      if (load < least) [best, least] = [(turn + i) % length, load];
    }
    return best;
  }
}

function slotsFor({ endpoints, balance }: Choosing): readonly EndpointModel[] {
  return slotsOf(endpoints, balance === 'maglev' ? balance : 'round-robin');
}

const hash = (text: string): number => fnv1a(text) >>> 0;
