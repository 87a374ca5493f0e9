import { createRunner, done, messageOf, type Outcome, type Runner } from '@podwire/base';
import type { Netns } from '@podwire/kernel';
import type { PlanEntry, Room, RoomContext, RoomStatus } from '@podwire/kube';
import { type Net, openNet } from '@podwire/net';
import { type Announcement, planAnnouncement } from './announcement-plan.ts';
import { type AddressChanges, applyAddresses, diffOwnAddresses } from './apply.ts';
import { announcedAddresses, announcingNodes, nodeAddress, serviceKey } from './model-from-api.ts';
import { observeUplink } from './observe.ts';

/** Addresses that others removed are put back at least this often, in ms. */
const DRIFT_INTERVAL = 30_000;
const KINDS = ['Service', 'EndpointSlice', 'Node'] as const;

type Context = RoomContext & { readonly netns?: Netns };

/** One node's half: holds the load-balancer addresses this node owns, so that it answers ARP for them. */
export function createLoadBalancerRoom(context: Context): Room {
  return new LoadBalancerRoom(context);
}

class LoadBalancerRoom implements Room {
  readonly name = 'loadbalancer';
  readonly #context: Context;
  readonly #runner: Runner;
  #net: Net | undefined;
  #started = false;
  #unsubscribe: (() => void)[] = [];

  constructor(context: Context) {
    this.#context = context;
    const run = async (): Promise<Outcome> => this.#pass();
    this.#runner = createRunner({ name: this.name, run, logger: context.logger, maxInterval: DRIFT_INTERVAL });
  }

  async start(): Promise<void> {
    const informers = KINDS.map((kind) => this.#context.informers.of(kind));
    await Promise.all(informers.map((informer) => informer.synced));
    this.#started = true;
    this.#unsubscribe = informers.map((informer) => informer.subscribe(() => this.#runner.trigger()));
    this.#runner.trigger();
    await this.#runner.idle();
  }

  async stop(): Promise<void> {
    this.#started = false;
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
    await this.#runner.stop();
    this.#net?.close();
    this.#net = undefined;
  }

  async cleanup(): Promise<void> {
    await this.stop();
    const net = this.#openNet();
    applyAddresses(net, diffOwnAddresses(net, undefined, []));
    net.close();
    this.#net = undefined;
  }

  async resync(): Promise<Outcome> {
    this.#runner.trigger();
    await this.#runner.idle();
    return this.#runner.last ?? done;
  }

  idle(): Promise<void> {
    return this.#runner.idle();
  }

  status(): RoomStatus {
    const last = this.#runner.last;
    const { own, entries } = this.#announcement();
    const errors = last && last.kind !== 'done' ? [last.reason] : [];
    return {
      room: this.name,
      ready: last?.kind === 'done',
      errors,
      facts: { addresses: entries.length, announced: own.length },
    };
  }

  plan(): readonly PlanEntry[] {
    return this.#announcement().entries;
  }

  async diff(): Promise<readonly PlanEntry[]> {
    const { add, remove } = this.#changes();
    const why = 'the addresses of this node are not as planned';
    return [
      ...remove.map(({ address, link }) => ({ what: `remove ${address} from ${link}`, why })),
      ...add.map(({ address, link }) => ({ what: `add ${address} to ${link}`, why })),
    ];
  }

  #announcement(): Announcement {
    const { informers, config, nodeName } = this.#context;
    const slices = Map.groupBy(informers.of('EndpointSlice').list(), ({ metadata }) => {
      return `${metadata?.namespace ?? ''}/${metadata?.labels?.['kubernetes.io/service-name'] ?? ''}`;
    });
    const services = informers.of('Service').list();
    return planAnnouncement({
      nodeName,
      nodes: announcingNodes(informers.of('Node').list()),
      addresses: services.flatMap((service) =>
        announcedAddresses(service, slices.get(serviceKey(service)) ?? [], config.loadBalancerPools),
      ),
    });
  }

  #changes(): AddressChanges {
    const net = this.#openNet();
    return diffOwnAddresses(net, this.#uplink(net), this.#announcement().own);
  }

  #uplink(net: Net): string | undefined {
    const { informers, nodeName } = this.#context;
    const address = nodeAddress(informers.of('Node').get(nodeName));
    return address && observeUplink(net, address);
  }

  #openNet(): Net {
    this.#net ??= openNet(this.#context.netns);
    return this.#net;
  }

  #pass(): Outcome {
    if (!this.#started) return done;
    try {
      const changes = this.#changes();
      applyAddresses(this.#openNet(), changes, this.#context.netns);
      const { own } = this.#announcement();
      if (own.length === 0 || this.#uplink(this.#openNet())) return done;
      return {
        kind: 'retry',
        reason: `node ${this.#context.nodeName} has ${own.length} addresses to announce, and no link holds its InternalIP`,
      };
    } catch (error) {
      return { kind: 'retry', reason: `load-balancer addresses are not in force: ${messageOf(error)}` };
    }
  }
}
