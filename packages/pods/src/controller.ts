import { join } from 'node:path';
import { createRunner, done, type Logger, messageOf, type Outcome, type Runner } from '@podwire/base';
import type { Netns } from '@podwire/kernel';
import { type PlanEntry, type Room, type RoomContext, type RoomStatus, tellRepair } from '@podwire/kube';
import { type Net, openNet } from '@podwire/net';
import { type Nft, openNft, type RulesetWatch, watchRuleset } from '@podwire/nft';
import { BRIDGE_ALIAS, createKernelDataplane, ensureBridge, repairTables } from './apply.ts';
import { AttachmentTable } from './attachment-table.ts';
import { parseCniCall } from './cni-call.ts';
import { LATEST_CNI_VERSION } from './cni-version.ts';
import { describeDrift, describeWires } from './describe.ts';
import type { CniRequest } from './frame.ts';
import { type OwnNode, ownNode, podsModel } from './model.ts';
import { observeHostLinks, observeLiveAddresses, observeUplinkMtu } from './observe.ts';
import { PODS_TABLE, planTables } from './plan.ts';
import { reconcile } from './reconcile.ts';
import { readRecord } from './record.ts';
import { observeDrift, repairHost } from './repair.ts';
import { type CniAnswer, failure } from './result.ts';
import { serveCni } from './server.ts';
import { createVerbs, type ReadyPod } from './verbs.ts';
import { BRIDGE_LINK, PODS_PROTOCOL, planBridge } from './wire-plan.ts';

export interface PodsContext extends RoomContext {
  /** The node's namespace; absent: that of the calling thread. */
  readonly netns?: Netns;
  /** Awaited by every ADD before it returns: policy and DNS of the pod are then in force. */
  readonly podReady?: (pod: ReadyPod) => Promise<void>;
}

export interface PodsRoom extends Room {
  /** Where the CNI binary connects to. */
  readonly socketPath: string;
  /** The files of the network namespaces (CNI_NETNS) of the pods that are wired. */
  podNamespaces(): readonly string[];
}

/** Drift is looked for this often, in ms. */
const RESYNC_INTERVAL = 10_000;
const VXLAN_OVERHEAD = 50;
const FORWARDING = 'net/ipv4/ip_forward';

/** The room that gives pods their addresses and wires; see README.md. */
export function createPodsRoom(context: PodsContext): PodsRoom {
  return new PodsController(context);
}

class PodsController implements PodsRoom {
  readonly name = 'pods';
  readonly socketPath: string;
  readonly #context: PodsContext;
  readonly #logger: Logger;
  readonly #table: AttachmentTable;
  #kernel: { readonly net: Net; readonly nft: Nft } | undefined;
  #own: OwnNode = { podCidr: undefined, address: undefined };
  #mtu = 1500;
  #runner: Runner | undefined;
  #ruleset: RulesetWatch | undefined;
  #repairs = 0;
  #server: { close(): Promise<void> } | undefined;
  #unsubscribe: (() => void) | undefined;
  #errors: readonly string[] = ['not started'];

  constructor(context: PodsContext) {
    this.#context = context;
    this.#logger = context.logger.child({ room: this.name });
    this.socketPath = join(context.runDirectory, 'cni.sock');
    this.#table = new AttachmentTable(join(context.stateDirectory, 'pods.json'));
  }

  async start(): Promise<void> {
    const nodes = this.#context.informers.of('Node');
    await nodes.synced;
    this.#loadAttachments();
    this.#readNode();
    const run = async () => this.#run();
    this.#runner = createRunner({
      name: this.name,
      run,
      logger: this.#logger,
      minInterval: 10,
      maxInterval: RESYNC_INTERVAL,
    });
    const trigger = () => this.#runner?.trigger();
    this.#unsubscribe = nodes.subscribe(trigger);
    this.#ruleset = watchRuleset({ netns: this.#context.netns, onChange: trigger });
    trigger();
    await this.#runner.idle();
    this.#server = await this.#serve();
  }

  async stop(): Promise<void> {
    this.#unsubscribe?.();
    this.#ruleset?.stop();
    await this.#server?.close();
    await this.#runner?.stop();
    this.#kernel?.net.close();
    this.#kernel?.nft.close();
    this.#kernel = undefined;
    this.#errors = ['stopped'];
  }

  async cleanup(): Promise<void> {
    const { net, nft } = this.#open();
    for (const link of observeHostLinks(net)) net.deleteLink(link.name);
    const bridge = net.link(BRIDGE_LINK);
    if (bridge?.alias === BRIDGE_ALIAS) net.deleteLink(bridge.name);
    net.applyRoutes({ add: [], remove: net.routes({ protocol: PODS_PROTOCOL }) });
    for (const family of ['ip', 'bridge'] as const) nft.delete(family, PODS_TABLE);
  }

  async resync(): Promise<Outcome> {
    this.#runner?.trigger();
    await this.idle();
    return this.#runner?.last ?? done;
  }

  async idle(): Promise<void> {
    await this.#runner?.idle();
  }

  status(): RoomStatus {
    const facts = this.#table.facts();
    const { wiring } = this.#context.config;
    const addresses = facts && { addresses: facts.used, addressesTotal: facts.total, podCidr: facts.prefix };
    return {
      ...{ room: this.name, ready: this.#errors.length === 0, errors: this.#errors },
      facts: { pods: this.#table.list().length, wiring, mtu: this.#mtu, repairs: this.#repairs, ...addresses },
    };
  }

  podNamespaces(): readonly string[] {
    return this.#table.list().map(({ netnsPath }) => netnsPath);
  }

  plan(): readonly PlanEntry[] {
    return describeWires(this.#model());
  }

  async diff(): Promise<readonly PlanEntry[]> {
    const { net, nft } = this.#open();
    const drift = observeDrift(net, this.#table.list(), this.#own.address);
    const why = 'the kernel differs from the plan';
    const tables = planTables(this.#model()).flatMap((table) => nft.drift(table));
    return [...describeDrift(drift), ...tables.map((change) => ({ what: change.text, why }))];
  }

  #open(): { readonly net: Net; readonly nft: Nft } {
    const { netns } = this.#context;
    this.#kernel ??= { net: openNet(netns), nft: openNft(netns) };
    return this.#kernel;
  }

  #model() {
    return podsModel(this.#context.config, this.#own, this.#context.informers.of('Node').list(), this.#table.list());
  }

  #readNode(): void {
    const node = this.#context.informers.of('Node').get(this.#context.nodeName);
    this.#own = ownNode(this.#context.config, node);
    const overhead = this.#context.config.backend === 'vxlan' ? VXLAN_OVERHEAD : 0;
    this.#mtu = observeUplinkMtu(this.#open().net, this.#own.address) - overhead;
    const { podCidr } = this.#own;
    if (podCidr === this.#table.podCidr) return;
    this.#table.setPodCidr(podCidr, podCidr && observeLiveAddresses(podCidr, this.#context.netns));
  }

  /** POD-14: record and kernel become one list; what belongs to neither a container nor a record goes. */
  #loadAttachments(): void {
    const { net } = this.#open();
    const record = readRecord(join(this.#context.stateDirectory, 'pods.json'));
    const { attachments, orphans, adopted, strays } = reconcile(record, observeHostLinks(net));
    for (const link of strays) net.deleteLink(link);
    this.#table.load({ attachments, released: [...(record?.released ?? []), ...orphans.map((a) => a.address)] });
    if (orphans.length + adopted.length + strays.length > 0)
      this.#logger.info('attachments reconciled', {
        kept: attachments.length,
        freed: orphans.length,
        adopted: adopted.length,
        strays,
      });
  }

  #run(): Outcome {
    const { net, nft } = this.#open();
    try {
      this.#readNode();
      if (net.getSysctl(FORWARDING) !== '1') net.setSysctl(FORWARDING, '1');
      this.#repairTables(nft);
      const failed = this.#own.podCidr === undefined ? [] : this.#repair(net, this.#own.podCidr);
      this.#errors = [...failed, ...this.#missing()];
      return failed.length > 0 ? { kind: 'retry', reason: failed.join('; ') } : done;
    } catch (error) {
      this.#errors = [messageOf(error)];
      throw error;
    }
  }

  #repairTables(nft: Nft): void {
    const looked = this.#ruleset?.look();
    let commands = 0;
    try {
      commands = repairTables(nft, planTables(this.#model()));
    } finally {
      looked?.();
    }
    if (commands === 0) return;
    this.#repairs++;
    const what = 'the rules of host ports, masquerade and anti-spoofing';
    tellRepair(this.#context, { room: 'Pods', what, commands });
  }

  #repair(net: Net, podCidr: NonNullable<OwnNode['podCidr']>): string[] {
    const attachments = this.#table.list();
    if (attachments.some((a) => a.wiring === 'bridge')) ensureBridge(net, planBridge(podCidr));
    const drift = observeDrift(net, attachments, this.#own.address);
    const repaired = describeDrift(drift).map((entry) => entry.what);
    if (repaired.length > 0) this.#logger.info('drift repaired', { changes: repaired });
    return repairHost(net, drift, podCidr, this.#own.address);
  }

  /** What the API has not said yet. */
  #missing(): string[] {
    const { nodeName } = this.#context;
    if (this.#own.address === undefined) return [`Node ${nodeName} has no IPv4 InternalIP yet`];
    return this.#own.podCidr === undefined ? [`Node ${nodeName} has no IPv4 podCIDR inside the cluster's yet`] : [];
  }

  #serve(): Promise<{ close(): Promise<void> }> {
    const { netns, config, podReady } = this.#context;
    const dataplane = createKernelDataplane({
      ...this.#open(),
      netns,
      nodeAddress: () => this.#own.address,
      tables: () => planTables(this.#model()),
    });
    const verbs = createVerbs({
      ...{ table: this.#table, dataplane, logger: this.#logger, wiring: config.wiring, ...(podReady && { podReady }) },
      podCidr: () => this.#own.podCidr,
      mtu: () => this.#mtu,
      notReady: () => (this.#errors.length === 0 ? undefined : this.#errors.join('; ')),
    });
    return serveCni(this.socketPath, (request) => this.#answer(request, verbs));
  }

  async #answer(request: CniRequest, verbs: ReturnType<typeof createVerbs>): Promise<CniAnswer> {
    let version = LATEST_CNI_VERSION;
    try {
      const call = parseCniCall(request.env, request.stdin);
      version = call.config.cniVersion;
      return await verbs(call);
    } catch (error) {
      this.#logger.error('CNI call failed', {
        command: request.env.CNI_COMMAND,
        container: request.env.CNI_CONTAINERID,
        reason: messageOf(error),
      });
      return failure(version, error);
    }
  }
}
