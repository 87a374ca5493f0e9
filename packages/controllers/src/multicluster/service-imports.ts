import { equalJson, ObjectIndex, type ObjectOf } from '@podwire/kube';
import { type ControllerContext, objectKey, splitKey, until, visible } from '../context.ts';
import { SliceWriter } from '../slice-writer.ts';
import type { ClusterMember } from './cluster-member.ts';
import { ClustersetAddresses } from './clusterset-addresses.ts';
import { type Said, withConditions } from './conditions.ts';
import { importMetadata } from './exported-metadata.ts';
import type { ImportPlan } from './import-plan.ts';
import { importedSlice, importKeyOf, isImported, sourceOf } from './imported-slice.ts';

type ServiceImport = ObjectOf<'ServiceImport'>;

const OWN_LABEL = 'multicluster.podwire.io/managed-by';
const OWN = 'podwire';
/** Condition of a ServiceImport once a cluster was lost: whether all that export it are heard of. */
const REACHABLE = 'multicluster.podwire.io/ClustersReachable';

/** Whether this controller made the import. */
export const isOwn = ({ metadata }: ServiceImport): boolean => metadata?.labels?.[OWN_LABEL] === OWN;

/** Writes ServiceImports with their addresses and slices. */
export class ServiceImports {
  readonly #context: ControllerContext;
  readonly #addresses: ClustersetAddresses;
  readonly #slices: ObjectIndex<'EndpointSlice'>;
  readonly #writer: SliceWriter;

  constructor(context: ControllerContext) {
    this.#context = context;
    this.#addresses = new ClustersetAddresses(context);
    this.#slices = new ObjectIndex(context.informers.of('EndpointSlice'), (slice) => [importKeyOf(slice)]);
    this.#writer = new SliceWriter(context);
  }

  stop(): void {
    this.#addresses.stop();
    this.#slices.stop();
  }

  get(key: string): ServiceImport | undefined {
    const { name, namespace } = splitKey(key);
    return this.#context.informers.of('ServiceImport').get(name, namespace);
  }

  async write(key: string, { spec, metadata }: ImportPlan): Promise<ServiceImport> {
    const { type, ipFamilies = [] } = spec;
    const ips = await this.#addresses.take(key, type === 'Headless' ? [] : ipFamilies);
    return this.#writeSpec(key, { spec: type === 'Headless' ? spec : { ...spec, ips }, metadata });
  }

  /** In line with the slices of these clusters; those of others stay as they are. */
  async writeSlices(
    key: string,
    owner: ServiceImport,
    { members, others }: { readonly members: readonly ClusterMember[]; readonly others: readonly string[] },
  ): Promise<void> {
    const wanted = members.flatMap((member, index) =>
      member
        .exportedSlicesAt(key)
        .map((slice) => importedSlice(slice, { cluster: member.name, isLocal: index === 0, owner })),
    );
    const present = this.#slices.get(key).filter((slice) => isImported(slice) && !others.includes(sourceOf(slice)));
    await this.#writer.apply(wanted, present);
  }

  /** Everything of the name that this controller made, addresses last: nobody else gets one that is still answered. */
  async remove(key: string): Promise<void> {
    const { client, informers } = this.#context;
    const present = this.get(key);
    if (present && isOwn(present)) {
      const { uid } = present.metadata ?? {};
      await client.delete('ServiceImport', objectKey(present), uid === undefined ? {} : { uid });
      const { name, namespace } = splitKey(key);
      await until(() => informers.of('ServiceImport').get(name, namespace)?.metadata?.uid !== uid);
    }
    await this.#writer.apply([], this.#slices.get(key).filter(isImported));
    await this.#addresses.release(key);
  }

  async #writeSpec(key: string, { spec, metadata }: Pick<ImportPlan, 'spec' | 'metadata'>): Promise<ServiceImport> {
    const { client, informers } = this.#context;
    const present = this.get(key);
    const before = present?.metadata ?? { ...splitKey(key), labels: { [OWN_LABEL]: OWN } };
    const next = importMetadata(before, metadata);
    if (present && !next && equalJson(present.spec, spec)) return present;
    const written = present
      ? await client.update('ServiceImport', { ...present, metadata: next ?? before, spec })
      : await client.create('ServiceImport', { metadata: next ?? before, spec });
    await visible(informers.of('ServiceImport'), written);
    return written;
  }

  /** Says which clusters export it, sorted, and which of them are lost. */
  async tell(object: ServiceImport, clusters: readonly string[], allLost: readonly string[]): Promise<ServiceImport> {
    const { client, informers } = this.#context;
    const present = object.status?.conditions ?? [];
    const lost = clusters.filter((name) => allLost.includes(name));
    const isTold = present.some(({ type }) => type === REACHABLE);
    const said = [readiness(object), ...(lost.length > 0 || isTold ? [reachability(lost)] : [])];
    const conditions = withConditions(present, said, object.metadata?.generation);
    const status = { clusters: clusters.map((cluster) => ({ cluster })), conditions };
    if (equalJson(object.status, status)) return object;
    const written = await client.update('ServiceImport', { ...object, status }, 'status');
    await visible(informers.of('ServiceImport'), written);
    return written;
  }
}

function reachability(lost: readonly string[]): Said {
  const type = REACHABLE;
  if (lost.length === 0)
    return { type, status: 'True', reason: 'Reachable', message: 'all clusters that export it are heard of' };
  const message = `nothing is heard of ${lost.join(', ')}, whose endpoints are left out until it is`;
  return { type, status: 'False', reason: 'ClusterAway', message };
}

function readiness({ spec }: ServiceImport): Said {
  const type = 'Ready';
  if (spec?.type === 'Headless' || spec?.ips?.length)
    return { type, status: 'True', reason: 'Ready', message: 'the service can be reached by its name' };
  const message = 'this cluster has no service range of a family the exported Services have';
  return { type, status: 'False', reason: 'IPFamilyNotSupported', message };
}
