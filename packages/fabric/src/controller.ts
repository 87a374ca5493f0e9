import { createRunner, done, messageOf, type Outcome, type Runner } from '@podwire/base';
import type { Netns } from '@podwire/kernel';
import type { PlanEntry, Room, RoomContext, RoomStatus } from '@podwire/kube';
import { type Net, openNet } from '@podwire/net';
import { applyFabric } from './apply.ts';
import { describeChanges, diffFabric, type FabricChanges } from './diff.ts';
import { type Backend, type FabricModel, fabricModel } from './model.ts';
import { observeFabric, observeRpFilter, observeUnderlay } from './observe.ts';
import {
  describeFabric,
  FABRIC_LINK_PREFIX,
  FABRIC_PROTOCOL,
  type FabricDesired,
  planFabric,
  type Underlay,
} from './plan.ts';

export interface FabricRoom extends Room {
  /** Changes how other nodes are reached; resolves when it is in force on this node. */
  setBackend(backend: Backend): Promise<void>;
}

/** Drift is looked for this often, in ms. */
const RESYNC_INTERVAL = 10_000;

/** The room that makes other nodes' pods reachable; see README.md. */
export function createFabricRoom(context: RoomContext & { readonly netns?: Netns }): FabricRoom {
  return new FabricController(context);
}

interface Pass {
  readonly model: FabricModel;
  readonly underlay: Underlay | undefined;
  readonly desired: FabricDesired | undefined;
  /** Why there is no plan; nothing is changed then. */
  readonly problem: string | undefined;
}

class FabricController implements FabricRoom {
  readonly name = 'fabric';
  readonly #context: RoomContext & { readonly netns?: Netns };
  #backend: Backend;
  #net: Net | undefined;
  #runner: Runner | undefined;
  #unsubscribe: (() => void) | undefined;
  #errors: readonly string[] = ['not started'];
  #rpFilter: string | undefined;
  #last: Pass | undefined;

  constructor(context: RoomContext & { readonly netns?: Netns }) {
    this.#context = context;
    this.#backend = context.config.backend;
  }

  async start(): Promise<void> {
    const nodes = this.#context.informers.of('Node');
    await nodes.synced;
    const logger = this.#context.logger.child({ room: this.name });
    const run = async () => this.#run();
    this.#runner = createRunner({ name: this.name, run, logger, minInterval: 10, maxInterval: RESYNC_INTERVAL });
    this.#unsubscribe = nodes.subscribe(() => this.#runner?.trigger());
    this.#runner.trigger();
    await this.#runner.idle();
  }

  async stop(): Promise<void> {
    this.#unsubscribe?.();
    await this.#runner?.stop();
    this.#net?.close();
    this.#net = undefined;
  }

  async cleanup(): Promise<void> {
    const net = this.#open();
    net.applyRoutes({ add: [], remove: net.routes({ protocol: FABRIC_PROTOCOL }) });
    for (const link of net.links()) if (link.name.startsWith(FABRIC_LINK_PREFIX)) net.deleteLink(link.name);
  }

  async setBackend(backend: Backend): Promise<void> {
    this.#backend = backend;
    this.#runner?.trigger();
    await this.idle();
  }

  async resync(): Promise<Outcome> {
    this.#runner?.trigger();
    await this.idle();
    return this.#runner?.last ?? done;
  }

  async idle(): Promise<void> {
    await this.#runner?.idle();
  }

  plan(): readonly PlanEntry[] {
    const { desired } = this.#look();
    return desired ? describeFabric(desired) : [];
  }

  async diff(): Promise<readonly PlanEntry[]> {
    const changes = this.#changes(this.#look());
    return changes ? describeChanges(changes).map((what) => ({ what, why: 'the kernel differs from the plan' })) : [];
  }

  status(): RoomStatus {
    const { model, underlay, desired } = this.#last ?? {};
    const facts = { backend: this.#backend, peers: model?.peers.length ?? 0, routes: desired?.routes.length ?? 0 };
    const seen = { ...(underlay && { underlay: underlay.link }), ...(this.#rpFilter && { rpFilter: this.#rpFilter }) };
    return { room: this.name, ready: this.#errors.length === 0, errors: this.#errors, facts: { ...facts, ...seen } };
  }

  #open(): Net {
    this.#net ??= openNet(this.#context.netns);
    return this.#net;
  }

  #look(): Pass {
    const { nodeName, config, informers } = this.#context;
    const settings = { backend: this.#backend, podCidrs: config.podCidrs };
    const model = fabricModel(nodeName, settings, informers.of('Node').list());
    const nothing = (problem: string): Pass => ({ model, underlay: undefined, desired: undefined, problem });
    if (!model.self)
      return nothing(`Node ${nodeName} has no IPv4 InternalIP in the API; nothing is changed until it has`);
    try {
      const underlay = observeUnderlay(this.#open(), model.self.address);
      const desired = planFabric(model, underlay);
      if (desired) return { model, underlay, desired, problem: undefined };
      return nothing(
        `Node ${nodeName} has no IPv4 podCIDR, which backend vxlan needs; nothing is changed until it has`,
      );
    } catch (error) {
      return nothing(messageOf(error));
    }
  }

  #changes({ desired }: Pass): FabricChanges | undefined {
    return desired && diffFabric(desired, observeFabric(this.#open()));
  }

  /** Terminal where only the API can help: the runner then waits for the next event or resync. */
  #run(): Outcome {
    const pass = this.#look();
    this.#last = pass;
    const changes = this.#changes(pass);
    let outcome: Outcome = pass.problem === undefined ? done : { kind: 'terminal', reason: pass.problem };
    try {
      if (changes) outcome = this.#apply(changes);
    } catch (error) {
      outcome = { kind: 'retry', reason: messageOf(error) };
    }
    const conflicts = (changes?.conflicts ?? []).map(
      (c) =>
        `route ${c.destination} is not written: one of protocol ${c.protocol} exists; remove that, or change the podCIDR`,
    );
    const failed = outcome.kind === 'done' ? [] : [outcome.reason];
    this.#errors = [...failed, ...pass.model.problems, ...(pass.desired?.problems ?? []), ...conflicts];
    if (pass.underlay) this.#rpFilter = observeRpFilter(this.#open(), pass.underlay.link);
    return outcome;
  }

  #apply(changes: FabricChanges): Outcome {
    const lines = describeChanges(changes);
    if (lines.length > 0) this.#context.logger.info('fabric changes', { room: this.name, changes: lines });
    return applyFabric(this.#open(), changes);
  }
}
