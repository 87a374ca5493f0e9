import { createRunner, done, type MetricFamily, messageOf, type Outcome, type Runner } from '@podwire/base';
import type { Netns } from '@podwire/kernel';
import type { PlanEntry, Room, RoomContext, RoomStatus } from '@podwire/kube';
import { type Net, openNet } from '@podwire/net';
import { addLoopback, kernelSockets, removeLoopback } from './apply.ts';
import { dnsMetrics } from './dns-metrics.ts';
import { createZone, watchZone, type ZoneWatch } from './feed.ts';
import { addressEntry, describeListen, type ListenPlan, listenEntry, planListen } from './listen-plan.ts';
import { RCODE } from './numbers.ts';
import { observeLoopback, observeNameservers } from './observe.ts';
import { describeRecord } from './plan.ts';
import { type DnsServer, startDnsServer } from './server.ts';
import type { Zone } from './zone.ts';

/** Drift is looked for this often, in ms. */
const RESYNC_INTERVAL = 10_000;

/** The room that answers names on its node; see README.md. */
export function createDnsRoom(context: RoomContext & { readonly netns?: Netns }): Room {
  return new DnsController(context);
}

class DnsController implements Room {
  readonly name = 'dns';
  readonly #context: RoomContext & { readonly netns?: Netns };
  readonly #zone: Zone;
  readonly #plan: ListenPlan;
  readonly #runner: Runner;
  #watch: ZoneWatch | undefined;
  #net: Net | undefined;
  #server: DnsServer | undefined;
  #errors: readonly string[] = ['not started'];

  constructor(context: RoomContext & { readonly netns?: Netns }) {
    this.#context = context;
    const { clusterDomain: domain, clusterSetDomain: setDomain, dnsAddress, serviceCidrs, podCidrs } = context.config;
    this.#zone = createZone({ domain, setDomain, dnsAddress, prefixes: [...serviceCidrs, ...podCidrs] });
    this.#plan = planListen(context.config, observeNameservers());
    const logger = context.logger.child({ room: this.name });
    this.#runner = createRunner({ name: this.name, run: () => this.#run(), logger, maxInterval: RESYNC_INTERVAL });
  }

  async start(): Promise<void> {
    this.#watch = watchZone(this.#zone, this.#context.informers);
    await this.#watch.synced;
    await this.resync();
  }

  async stop(): Promise<void> {
    this.#watch?.stop();
    await this.#runner.stop();
    await this.#server?.close();
    this.#server = undefined;
    this.#net?.close();
    this.#net = undefined;
  }

  async cleanup(): Promise<void> {
    const net = this.#open();
    const { all, own } = observeLoopback(net);
    removeLoopback(net, [...new Set([...own, ...all.filter((address) => this.#plan.addresses.includes(address))])]);
  }

  async resync(): Promise<Outcome> {
    this.#runner.trigger();
    await this.idle();
    return this.#runner.last ?? done;
  }

  /** The zone follows the watch without delay; only the listeners may be behind. A failing listener is not waited for. */
  idle(): Promise<void> {
    return this.#runner.idle();
  }

  status(): RoomStatus {
    const { responder, forwarder } = this.#server ?? {};
    const facts = {
      ...(this.#watch?.feed.counts ?? { services: 0, imports: 0, names: 0 }),
      udpRequests: responder?.requests.udp ?? 0,
      tcpRequests: responder?.requests.tcp ?? 0,
      nxdomain: responder?.replies.get(RCODE.NXDOMAIN) ?? 0,
      servfail: responder?.replies.get(RCODE.SERVFAIL) ?? 0,
      forwarded: forwarder?.counters.asked ?? 0,
      forwardFailures: forwarder?.counters.failed ?? 0,
      cacheEntries: forwarder?.cache.size ?? 0,
      cacheHits: forwarder?.cache.hits ?? 0,
      cacheMisses: forwarder?.cache.misses ?? 0,
      upstreams: this.#plan.upstreams.length,
    };
    return { room: this.name, ready: this.#errors.length === 0, errors: this.#errors, facts };
  }

  metrics(): readonly MetricFamily[] {
    return dnsMetrics(this.#server ?? {});
  }

  plan(): readonly PlanEntry[] {
    const records = (this.#watch?.feed.entries() ?? []).flatMap(({ source, records: list }) =>
      [...new Set(list.flatMap((record) => describeRecord(record) ?? []))].map((what) => ({ what, why: source })),
    );
    return [...describeListen(this.#plan), ...records];
  }

  async diff(): Promise<readonly PlanEntry[]> {
    const { missing, extra } = this.#drift();
    const listen = this.#server ? [] : this.#plan.listen;
    return [
      ...[...missing.map(addressEntry), ...listen.map(listenEntry)].map(({ what, why }) => ({
        what: `add ${what}`,
        why,
      })),
      ...extra.map((address) => ({
        what: `remove address ${address} dev lo`,
        why: 'it carries the mark of this room',
      })),
    ];
  }

  #open(): Net {
    this.#net ??= openNet(this.#context.netns);
    return this.#net;
  }

  #drift() {
    const { all, own } = observeLoopback(this.#open());
    const { addresses } = this.#plan;
    return {
      missing: addresses.filter((address) => !all.includes(address)),
      extra: own.filter((address) => !addresses.includes(address)),
    };
  }

  async #run(): Promise<Outcome> {
    try {
      const { missing, extra } = this.#drift();
      addLoopback(this.#open(), missing);
      removeLoopback(this.#open(), extra);
      this.#server ??= await startDnsServer({
        zone: this.#zone,
        listen: this.#plan.listen,
        upstreams: this.#plan.upstreams,
        sockets: kernelSockets(this.#context.netns),
        logger: this.#context.logger.child({ room: this.name }),
      });
      this.#errors = [];
      return done;
    } catch (error) {
      this.#errors = [messageOf(error)];
      return { kind: 'retry', reason: messageOf(error) };
    }
  }
}
