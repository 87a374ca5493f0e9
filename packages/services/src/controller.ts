import { createRunner, done, type MetricFamily, messageOf, type Outcome, type Runner } from '@podwire/base';
import { type PlanEntry, type RoomStatus, tellRepair } from '@podwire/kube';
import { type RulesetWatch, watchRuleset } from '@podwire/nft';
import { annotationLimits } from './annotations.ts';
import { servicesError } from './errors.ts';
import { FollowedObjects } from './followed-objects.ts';
import { FormerModes } from './former-modes.ts';
import type { ProxyHealth } from './health-answer.ts';
import { HealthServers } from './health-server.ts';
import { hasLoopbackPorts, LoopbackRouting } from './loopback.ts';
import { sortEntries } from './mode-plan.ts';
import { familiesOf } from './model.ts';
import { nodeFromApi } from './model-from-api.ts';
import { NodeState } from './node-state.ts';
import { PeerState } from './peer-state.ts';
import type { Changes, ProxyContext, ProxyMode, ServiceProxy, Synced } from './proxy.ts';
import { ProxyCounts } from './proxy-counts.ts';
import { proxyMetrics } from './proxy-metrics.ts';
import { createProxy } from './proxy-modes.ts';
import { ServiceStore } from './service-store.ts';
import type { ServicesContext, ServicesRoom } from './services-room.ts';
import { slowStartLimits } from './slow-start.ts';
import { clusterModel } from './snapshot.ts';
import { UdpFlows } from './udp-flows.ts';

/**
 * When the last change took longer than this, in ms, further ones are collected for so long; otherwise one need not wait, nor
 * after a look at everything.
 */
const LONG_PASS = 50;
/** Rules that someone else deleted or changed are mended at least this often, in ms. */
const DRIFT_INTERVAL = 60_000;
/** Rules that wait longer than this for what the API server says are stale, in ms. */
const STALE_AFTER = 30_000;
/** Weights that change by time are written at most this often, in ms. */
const LEAST_STEP = 50;
const DEFAULT_MODE: ProxyMode = 'nftables';

/** ClusterIP, NodePort, LoadBalancer and external addresses, by the mode of the configuration. */
export function createServicesRoom(context: ServicesContext): ServicesRoom {
  return new ServicesController(context);
}

const joined = (some: ReadonlySet<string>, more: ReadonlySet<string>): ReadonlySet<string> =>
  more.size > 0 ? new Set([...some, ...more]) : some;

class ServicesController implements ServicesRoom {
  readonly name = 'services';
  readonly #context: ServicesContext;
  readonly #store: ServiceStore;
  readonly #node: NodeState;
  readonly #peers: PeerState;
  readonly #health: HealthServers;
  readonly #loopback: LoopbackRouting;
  readonly #former: FormerModes;
  readonly #flows: UdpFlows;
  readonly #runner: Runner;
  readonly #facts = { commands: 0, passes: 0, flowsForgotten: 0, repairs: 0 };
  readonly #counts = new ProxyCounts();
  readonly #objects: FollowedObjects;
  #mode: ProxyMode;
  #proxy: ServiceProxy | undefined;
  /** Of the change that is under way, until a pass takes it. */
  #next: ServiceProxy | undefined;
  /** Changes of mode, one after the other. */
  #changing: Promise<void> = Promise.resolve();
  /** Why the mode asked for last could not be had. */
  #refusal: string | undefined;
  #started = false;
  #ruleset: RulesetWatch | undefined;
  #passTime = 0;
  /** Set while weights change by time. */
  #step: NodeJS.Timeout | undefined;
  /** Since when something has been waiting to be in force, ms since 1970. */
  #waitingSince: number | undefined = Date.now();
  #look = true;
  #asked = false;
  /** What the last sync could not do, while it did the rest. */
  #unfinished: string | undefined;
  /** A pass failed, so what it was about has to be done again. */
  #unsure = true;

  constructor(context: ServicesContext) {
    this.#context = context;
    this.#mode = context.config.proxyMode ?? DEFAULT_MODE;
    this.#store = new ServiceStore(clusterModel(context.config), nodeFromApi(undefined, context.nodeName));
    this.#node = new NodeState(context);
    const { netns, runDirectory, logger } = context;
    this.#peers = new PeerState(context.nodeName, netns);
    const followed = { store: this.#store, node: this.#node, peers: this.#peers, counts: this.#counts };
    this.#objects = new FollowedObjects(context.informers, followed, () => this.#changed());
    this.#flows = new UdpFlows(logger, netns);
    this.#former = new FormerModes(runDirectory, (mode) => this.#createProxy(mode));
    this.#health = new HealthServers({
      ...{ netns, view: this.#store, proxyPort: context.config.proxyHealthPort },
      health: () => this.#proxyHealth(),
      answered: (path, status) => this.#counts.answered(path, status),
    });
    this.#loopback = new LoopbackRouting(runDirectory, netns);
    this.#runner = createRunner({
      name: this.name,
      run: () => this.#pass(),
      logger,
      minInterval: () => (this.#passTime > LONG_PASS ? this.#passTime + LONG_PASS : 0),
      maxInterval: DRIFT_INTERVAL,
    });
  }

  get mode(): ProxyMode {
    return this.#mode;
  }

  async start(): Promise<void> {
    await this.#objects.begin();
    this.#former.begin(this.#mode);
    this.#proxy = await this.#createProxy(this.#mode);
    this.#started = true;
    const { netns, rulesetInterval: interval } = this.#context;
    const onChange = () => this.#lookSoon();
    if (interval !== 0) this.#ruleset = watchRuleset({ netns, onChange, ...(interval && { interval }) });
    this.#runner.trigger();
    await this.#runner.idle();
  }

  #changed(): void {
    this.#waitingSince ??= Date.now();
    this.#counts.queued();
    this.#asked = true;
    if (this.#started) this.#runner.trigger();
  }

  #lookSoon(): void {
    this.#look = true;
    this.#runner.trigger();
  }

  #createProxy(mode: ProxyMode): Promise<ServiceProxy> {
    const { netns, logger, config, runDirectory, sockets } = this.#context;
    const context: ProxyContext = { netns, logger, config, runDirectory, sockets, flows: this.#flows };
    return createProxy(mode, context);
  }

  podsChanged(): void {
    try {
      this.#proxy?.podsChanged?.();
    } catch (error) {
      this.#context.logger.error('sockets of pods are not served yet', { reason: messageOf(error) });
      this.#lookSoon();
    }
  }

  setMode(mode: ProxyMode): Promise<void> {
    const change = this.#changing.then(() => this.#goOver(mode));
    this.#changing = change.catch(() => {});
    return change;
  }

  async #goOver(mode: ProxyMode): Promise<void> {
    if (mode === this.#mode) return;
    this.#next = await this.#createProxy(mode);
    this.#refusal = undefined;
    this.#runner.trigger();
    await this.#runner.idle();
    await this.#dropNext();
    if (this.#mode === mode) return;
    const reason = this.#refusal ?? this.#reason ?? 'the room does not run';
    throw servicesError('SERVICES_MODE_REFUSED', `mode ${mode} is not in force, ${this.#mode} goes on: ${reason}`);
  }

  /** What no pass has taken by now is not gone over to later. */
  async #dropNext(): Promise<void> {
    const next = this.#next;
    this.#next = undefined;
    await next?.close();
  }

  get #reason(): string | undefined {
    const last = this.#runner.last;
    return last && last.kind !== 'done' ? last.reason : undefined;
  }

  async stop(): Promise<void> {
    this.#objects.stop();
    this.#started = false;
    clearTimeout(this.#step);
    this.#ruleset?.stop();
    await this.#runner.stop();
    await this.#dropNext();
    this.#health.close();
    this.#former.close();
    await this.#proxy?.close();
    this.#proxy = undefined;
    this.#flows.close();
  }

  async cleanup(): Promise<void> {
    await this.stop();
    this.#loopback.bring(false, true);
    await this.#former.cleanup(this.#mode);
  }

  async resync(): Promise<Outcome> {
    this.#lookSoon();
    await this.idle();
    return this.#runner.last ?? done;
  }

  async idle(): Promise<void> {
    await this.#runner.idle();
    this.#flows.flush();
  }

  status(): RoomStatus {
    const failed = this.#reason === undefined ? [] : [this.#reason];
    const services = [...this.#store.services.values()];
    const flowsForgotten = this.#facts.flowsForgotten + this.#flows.forgotten;
    return {
      room: this.name,
      ready: this.#runner.last?.kind === 'done',
      errors: [
        ...failed,
        ...(this.#proxy?.problems(this.#store) ?? []),
        ...(this.#started ? this.#node.problems() : []),
        ...annotationLimits(services),
        ...this.#former.problems,
        ...this.#loopback.problems(),
        ...this.#health.problems(),
      ],
      limits: [...(this.#proxy?.limits(this.#store) ?? []), ...slowStartLimits(services)],
      facts: {
        mode: this.#mode,
        ...this.#facts,
        flowsForgotten,
        healthPorts: this.#health.size,
        ...this.#proxy?.facts(),
      },
    };
  }

  metrics(): readonly MetricFamily[] {
    return proxyMetrics(this.#counts, this.#mode, this.#store);
  }

  #proxyHealth(): ProxyHealth {
    const current = this.#waitingSince === undefined || Date.now() - this.#waitingSince < STALE_AFTER;
    const { eligible } = this.#node;
    const { syncedAt } = this.#counts;
    return { current, eligible, ...(syncedAt > 0 && { updated: syncedAt }) };
  }

  plan(): readonly PlanEntry[] {
    return sortEntries(this.#proxy?.plan(this.#store) ?? []);
  }

  async diff(): Promise<readonly PlanEntry[]> {
    return (await this.#proxy?.diff(this.#store)) ?? [];
  }

  /** A pass that nothing asked for looks for drift. */
  async #pass(): Promise<Outcome> {
    if (!this.#proxy) return done;
    const look = this.#look || !this.#asked;
    this.#look = false;
    this.#asked = false;
    const startedAt = performance.now();
    const waitingSince = this.#waitingSince;
    const inForce = this.#counts.begin();
    this.#waitingSince = undefined;
    const looked = look ? this.#ruleset?.look() : undefined;
    try {
      await this.#bring(this.#proxy, look);
      this.#unsure = false;
      inForce();
      const strays = this.#former.swept ? undefined : await this.#former.sweep(this.#proxy);
      if (strays !== undefined) this.#counts.cleanupFailures++;
      const left = strays ?? this.#unfinished;
      return left === undefined ? done : { kind: 'retry', reason: left };
    } catch (error) {
      this.#waitingSince = waitingSince ?? this.#waitingSince ?? Date.now();
      this.#look = true;
      this.#counts.failed(this.#mode);
      return { kind: 'retry', reason: `services are not in force: ${messageOf(error)}` };
    } finally {
      const time = performance.now() - startedAt;
      this.#counts.passes.observe(time / 1000);
      if (!look) this.#passTime = time;
      looked?.();
      this.#awaitStep();
    }
  }

  /** Everything in step with what the API server says; by another mode, when that is asked for. */
  async #bring(proxy: ServiceProxy, look: boolean): Promise<void> {
    if (this.#node.dirty || (look && this.#node.movable)) this.#store.setNode(this.#node.model());
    const refreshed = this.#store.refresh();
    const moved = this.#lookAtPeers(look);
    const changes: Changes = this.#unsure || refreshed === 'all' ? 'all' : joined(refreshed, moved);
    this.#unsure = true;
    // the rules that drop packets with such addresses may go in this pass
    if (!this.#wantsLoopback) this.#loopback.bring(false, look);
    const changed = this.#next && (await this.#change(this.#next, proxy));
    if (changed === undefined) await this.#sync(proxy, changes, look);
    else if (!changed) await this.#sync(proxy, 'all', true);
    this.#loopback.bring(this.#wantsLoopback, look);
    const opening = this.#health.sync(changes, look);
    if (opening) await opening;
  }

  /** Returns the keys of services that depend on what is different. */
  #lookAtPeers(look: boolean): ReadonlySet<string> {
    const wanted = this.#store.wantsPeers && (look || this.#peers.dirty);
    return wanted ? this.#store.setPeers(this.#peers.observe()) : new Set();
  }

  get #wantsLoopback(): boolean {
    const { cluster, node } = this.#store;
    const wanted = hasLoopbackPorts(node) && familiesOf(cluster).includes('ipv4');
    return wanted && this.#proxy?.routesLoopback === true;
  }

  #awaitStep(): void {
    clearTimeout(this.#step);
    const { nextStep } = this.#store;
    if (nextStep === undefined || !this.#started) return;
    const step = () => {
      this.#asked = true;
      this.#runner.trigger();
    };
    this.#step = setTimeout(step, Math.max(Math.ceil(nextStep), LEAST_STEP)).unref();
  }

  /** Both modes are in the kernel for a moment; a connection meets one of them. False: it cannot be had. */
  async #change(next: ServiceProxy, before: ServiceProxy): Promise<boolean> {
    this.#next = undefined;
    this.#former.enter(next.mode);
    try {
      this.#count(await next.sync(this.#store, 'all', true));
    } catch (error) {
      this.#refusal = messageOf(error);
      await this.#former.leave(next, before);
      await next.close();
      return false;
    }
    this.#proxy = next;
    this.#mode = next.mode;
    this.#former.retire(before.mode);
    try {
      this.#loopback.bring(this.#wantsLoopback, true);
      await this.#former.leave(before, next);
    } finally {
      await before.close();
    }
    return true;
  }

  async #sync(proxy: ServiceProxy, changes: Changes, look: boolean): Promise<void> {
    if (look) proxy.podsChanged?.();
    // most modes are at once, and a change need not wait for the next turn then
    const answer = proxy.sync(this.#store, changes, look);
    const synced = answer instanceof Promise ? await answer : answer;
    this.#count(synced);
    const { repairs = synced.commands } = synced;
    if (look && changes !== 'all' && changes.size === 0 && repairs > 0) {
      this.#facts.repairs++;
      tellRepair(this.#context, { room: 'Services', what: `the rules of mode ${this.#mode}`, commands: repairs });
    }
  }

  #count({ commands, flowsForgotten = 0, unfinished }: Synced): void {
    this.#unfinished = unfinished;
    this.#facts.commands = commands;
    this.#facts.passes++;
    this.#facts.flowsForgotten += flowsForgotten;
    this.#context.logger.debug('services applied', { mode: this.#mode, commands });
  }
}
