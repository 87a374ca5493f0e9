import { equalJson, type ObjectOf, type WorkQueue } from '@podwire/kube';
import { systemClock } from '../clock.ts';
import { type Controller, type ControllerContext, keyOf, splitKey, visible } from '../context.ts';
import { startReconciler } from '../reconciler.ts';
import { Absence } from './absence.ts';
import { ClusterMember } from './cluster-member.ts';
import { importKeyOf as importKeyOfAddress } from './clusterset-addresses.ts';
import { withConditions } from './conditions.ts';
import { exportConditions, hindranceOf } from './export-status.ts';
import { type ImportPlan, planImport } from './import-plan.ts';
import { importKeyOf, isImported } from './imported-slice.ts';
import { isOwn, ServiceImports } from './service-imports.ts';

/** ServiceExport, Service, EndpointSlice of every cluster of the set ──▶ ServiceImport, EndpointSlice, IPAddress */
export function startMulticluster(context: ControllerContext): Controller {
  return new MulticlusterController(context);
}

class MulticlusterController implements Controller {
  readonly #context: ControllerContext;
  readonly #queue: WorkQueue;
  /** This cluster first. */
  readonly #members: readonly [ClusterMember, ...ClusterMember[]];
  readonly #imports: ServiceImports;
  readonly #absence: Absence;
  readonly #ends: (() => void)[];

  constructor(context: ControllerContext) {
    const { informers, config, logger, peers = [], clock = systemClock } = context;
    this.#context = context;
    this.#queue = startReconciler({ name: 'multicluster', logger, reconcile: (key) => this.#reconcile(key) });
    const add = (key: string): void => this.#queue.add(key);
    this.#imports = new ServiceImports(context);
    this.#members = [
      new ClusterMember({ name: config.clusterName, informers }, add),
      ...peers.map((peer) => new ClusterMember(peer, add)),
    ];
    const [, ...others] = this.#members;
    this.#absence = new Absence({ members: others, clock, onChange: () => this.#addAll() });
    for (const member of this.#members) void member.synced.then(() => this.#addAll());
    this.#ends = [
      // Somebody else may have changed or deleted one; and a controller before this one may have left some.
      informers.of('ServiceImport').subscribe(({ object }) => add(keyOf(object))),
      informers.of('EndpointSlice').subscribe(({ object }) => isImported(object) && add(importKeyOf(object))),
      informers.of('IPAddress').subscribe(({ object }) => {
        const key = importKeyOfAddress(object);
        if (key !== undefined) add(key);
      }),
      informers.of('Namespace').subscribe(({ type }) => type !== 'modified' && this.#addAll()),
      informers.of('ServiceCIDR').subscribe(() => this.#addAll()),
    ];
  }

  stop(): void {
    for (const end of this.#ends) end();
    for (const member of this.#members) member.stop();
    this.#imports.stop();
    this.#absence.stop();
    this.#queue.shutDown();
  }

  #addAll(): void {
    const imports = this.#context.informers.of('ServiceImport').list().filter(isOwn).map(keyOf);
    for (const key of [...imports, ...this.#members.flatMap((member) => member.exportKeys())]) this.#queue.add(key);
  }

  async #reconcile(key: string): Promise<undefined> {
    const plan = planImport(this.#members.flatMap((member) => member.exportedAt(key) ?? []));
    const present = this.#imports.get(key);
    const failure = this.#hindrance(key, present);
    if (failure === undefined) await this.#import(key, plan, present);
    else await this.#imports.remove(key);
    await this.#tell(key, plan, failure);
  }

  async #import(
    key: string,
    plan: ImportPlan | undefined,
    present: ObjectOf<'ServiceImport'> | undefined,
  ): Promise<void> {
    const { lost } = this.#absence;
    const isHeardOf = ({ name }: ClusterMember): boolean => !lost.includes(name);
    const known = this.#members.filter((member) => member.hasSynced && isHeardOf(member));
    // What a cluster that cannot be reached had exported stays; so does what was agreed on with it, even if it is lost.
    const unknown = this.#members.filter((member) => !member.hasSynced);
    const agreed = present?.status?.clusters?.map(({ cluster }) => cluster) ?? [];
    const waits = unknown.some(({ name }) => agreed.includes(name));
    const owner = waits ? present : plan && (await this.#imports.write(key, plan));
    if (!owner) return this.#imports.remove(key);
    const told = await this.#imports.tell(owner, waits ? agreed : (plan?.clusters ?? []), lost);
    const silent = unknown.filter(isHeardOf).map(({ name }) => name);
    return this.#imports.writeSlices(key, told, { members: known, others: silent });
  }

  /** Why nothing can be imported under this name. */
  #hindrance(key: string, present: ObjectOf<'ServiceImport'> | undefined): string | undefined {
    if (present && !isOwn(present)) return 'this cluster has a ServiceImport of the name that somebody else has made';
    const namespace = this.#context.informers.of('Namespace').get(splitKey(key).namespace);
    const isThere = namespace !== undefined && !namespace.metadata?.deletionTimestamp;
    return isThere ? undefined : 'this cluster does not have the namespace';
  }

  /** Says in this cluster's own export how things are. */
  async #tell(key: string, plan: ImportPlan | undefined, failure: string | undefined): Promise<void> {
    const { client, informers } = this.#context;
    const [local] = this.#members;
    const object = local.exportAt(key);
    if (!object) return;
    const { conflicts = [], clusters = [] } = plan ?? {};
    const said = exportConditions({ hindrance: hindranceOf(local.serviceAt(key)), conflicts, clusters, failure });
    const conditions = withConditions(object.status?.conditions ?? [], said, object.metadata?.generation);
    if (equalJson(object.status?.conditions, conditions)) return;
    const written = await client.update(
      'ServiceExport',
      { ...object, status: { ...object.status, conditions } },
      'status',
    );
    await visible(informers.of('ServiceExport'), written);
  }
}
