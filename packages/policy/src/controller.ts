import { createRunner, done, type IpAddress, messageOf, type Outcome, PodwireError, type Runner } from '@podwire/base';
import type { Netns } from '@podwire/kernel';
import { type PlanEntry, type Pod, type Room, type RoomContext, type RoomStatus, tellRepair } from '@podwire/kube';
import { type Nft, openNft, type RulesetWatch, watchRuleset } from '@podwire/nft';
import { applyPlan, removePlan } from './apply.ts';
import { buildModel, type PolicyModel } from './model.ts';
import { observeDrift } from './observe.ts';
import { type PolicyPlan, plan } from './plan.ts';

/** Changes within this time go into one transaction, in ms. */
const MIN_INTERVAL = 5;
/** Rules that someone else deleted or changed are mended at least this often, in ms, also when nobody was noticed. */
const DRIFT_INTERVAL = 60_000;
/** The address every node's DNS server has beside the cluster's DNS address. */
const NODE_DNS = '169.254.20.10' as IpAddress;

export interface PolicyRoom extends Room {
  /**
   * Puts a pod's rules in force before its status tells its address; resolves when they are. Call it between reserving the
   * address and handing the interface over, so that an isolated pod has no moment without its rules. Waits for
   * the room's start and, while the kernel refuses, tries again. Throws POLICY_NOT_READY when nobody has called start(),
   * and POLICY_POD_UNKNOWN. What it was told holds until the pod's status tells an address or the pod is deleted.
   */
  ensurePod(pod: { readonly namespace: string; readonly name: string; readonly address: IpAddress }): Promise<void>;
}

/** NetworkPolicy on one node. */
export function createPolicyRoom(context: RoomContext & { readonly netns?: Netns }): PolicyRoom {
  return new NodePolicyRoom(context);
}

const keyOf = ({ namespace, name }: { namespace: string; name: string }): string => `${namespace}/${name}`;

class NodePolicyRoom implements PolicyRoom {
  readonly name = 'policy';
  readonly #context: RoomContext & { readonly netns?: Netns };
  readonly #runner: Runner;
  readonly #unsubscribe: (() => void)[] = [];
  readonly #assigned = new Map<string, IpAddress>();
  /** Pods that ensurePod had to fetch because the watch has not brought them yet. */
  readonly #fetched = new Map<string, Pod>();
  readonly #facts = { commands: 0, passes: 0, repairs: 0 };
  #nft: Nft | undefined;
  #ruleset: RulesetWatch | undefined;
  #starting: Promise<void> | undefined;
  #started = false;
  #look = true;
  #applied: { readonly model: PolicyModel; readonly plan: PolicyPlan } | undefined;

  constructor(context: RoomContext & { readonly netns?: Netns }) {
    this.#context = context;
    this.#runner = createRunner({
      name: this.name,
      run: async () => this.#pass(),
      logger: context.logger,
      minInterval: MIN_INTERVAL,
    });
  }

  start(): Promise<void> {
    this.#starting ??= this.#start();
    return this.#starting;
  }

  async #start(): Promise<void> {
    const { informers } = this.#context;
    const pods = informers.of('Pod');
    const sources = [pods, informers.of('Namespace'), informers.of('NetworkPolicy')] as const;
    await Promise.all(sources.map((source) => source.synced));
    this.#started = true;
    const trigger = () => this.#runner.trigger();
    for (const source of sources) this.#unsubscribe.push(source.subscribe(trigger));
    this.#unsubscribe.push(pods.subscribe(({ type, object }) => type === 'deleted' && this.#forget(object)));
    const timer = setInterval(() => void this.resync(), DRIFT_INTERVAL).unref();
    this.#unsubscribe.push(() => clearInterval(timer));
    const ruleset = watchRuleset({ netns: this.#context.netns, onChange: () => void this.resync() });
    this.#unsubscribe.push(() => ruleset.stop());
    this.#ruleset = ruleset;
    trigger();
    await this.#runner.idle();
  }

  async stop(): Promise<void> {
    for (const unsubscribe of this.#unsubscribe.splice(0)) unsubscribe();
    this.#started = false;
    this.#starting = undefined;
    await this.#runner.stop();
    this.#nft?.close();
    this.#nft = undefined;
  }

  async cleanup(): Promise<void> {
    await this.stop();
    removePlan(this.#open());
    this.#nft?.close();
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

  async ensurePod(pod: {
    readonly namespace: string;
    readonly name: string;
    readonly address: IpAddress;
  }): Promise<void> {
    const { client, informers } = this.#context;
    const key = keyOf(pod);
    if (!this.#starting) throw new PodwireError('POLICY_NOT_READY', `pod ${key} has to wait: the room is not started`);
    await this.#starting;
    if (!informers.of('Pod').get(pod.name, pod.namespace)) {
      const object = await client.get('Pod', pod);
      if (!object)
        throw new PodwireError('POLICY_POD_UNKNOWN', `pod ${key} gets no rules: the API server does not know it`);
      this.#fetched.set(key, object);
    }
    this.#assigned.set(key, pod.address);
    this.#runner.trigger();
    await this.#runner.idle();
    const { last } = this.#runner;
    // idle() only says that it was tried: a pod whose rules are not in force must not start (POL-17).
    if (last?.kind !== 'done')
      throw new PodwireError('POLICY_NOT_READY', `pod ${key} has to wait, its rules are not in force: ${last?.reason}`);
  }

  /** A pod of the same name may come, with another address. */
  #forget({ metadata }: Pod): void {
    const key = keyOf({ namespace: metadata?.namespace ?? '', name: metadata?.name ?? '' });
    this.#fetched.delete(key);
    this.#assigned.delete(key);
  }

  status(): RoomStatus {
    const errors = [...(this.#applied?.model.problems ?? [])];
    const last = this.#runner.last;
    if (last && last.kind !== 'done') errors.unshift(`policies are not in force as they are now: ${last.reason}`);
    const table = this.#applied?.plan.table;
    return {
      room: this.name,
      ready: this.#applied !== undefined,
      errors,
      facts: {
        policies: this.#applied?.model.policies.length ?? 0,
        isolatedIngress: sizeOf(table, 'ingress-pods'),
        isolatedEgress: sizeOf(table, 'egress-pods'),
        elements: (table?.sets ?? []).reduce((sum, set) => sum + set.elements.length, 0),
        ...this.#facts,
      },
    };
  }

  plan(): readonly PlanEntry[] {
    return plan(this.#model()).entries;
  }

  async diff(): Promise<readonly PlanEntry[]> {
    return observeDrift(this.#open(), plan(this.#model()));
  }

  #open(): Nft {
    this.#nft ??= openNft(this.#context.netns);
    return this.#nft;
  }

  #model(): PolicyModel {
    const { informers, nodeName, config } = this.#context;
    const pods = informers.of('Pod');
    for (const key of this.#fetched.keys()) {
      const [namespace = '', name = ''] = key.split('/');
      if (pods.get(name, namespace)) this.#fetched.delete(key);
    }
    return buildModel({
      nodeName,
      pods: [...pods.list(), ...this.#fetched.values()],
      namespaces: informers.of('Namespace').list(),
      policies: informers.of('NetworkPolicy').list(),
      dnsAddresses: [config.dnsAddress, NODE_DNS],
      assigned: this.#assigned,
    });
  }

  #pass(): Outcome {
    if (!this.#started) return done;
    const model = this.#model();
    const desired = plan(model);
    const looked = this.#look ? this.#ruleset?.look() : undefined;
    try {
      this.#count(applyPlan(this.#open(), desired, this.#look));
    } catch (error) {
      this.#look = true;
      return { kind: 'retry', reason: messageOf(error) };
    } finally {
      looked?.();
    }
    this.#look = false;
    this.#applied = { model, plan: desired };
    return done;
  }

  #count({ commands, repairs }: ReturnType<typeof applyPlan>): void {
    this.#facts.commands = commands;
    this.#facts.passes++;
    if (repairs === 0) return;
    this.#facts.repairs++;
    tellRepair(this.#context, { room: 'Policy', what: 'the rules of NetworkPolicies', commands: repairs });
  }
}

function sizeOf(table: PolicyPlan['table'] | undefined, name: string): number {
  return table?.sets.find((set) => set.name === name)?.elements.length ?? 0;
}
