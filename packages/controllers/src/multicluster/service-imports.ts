import { equalJson, ObjectIndex, type ObjectOf, type ServiceImportSpec } from '@podwire/kube';
import { type ControllerContext, objectKey, splitKey, until, visible } from '../context.ts';
import { SliceWriter } from '../slice-writer.ts';
import type { ClusterMember } from './cluster-member.ts';
import { ClustersetAddresses } from './clusterset-addresses.ts';
import { type Said, withConditions } from './conditions.ts';
import type { ImportPlan } from './import-plan.ts';
import { importedSlice, importKeyOf, isImported, sourceOf } from './imported-slice.ts';

type ServiceImport = ObjectOf<'ServiceImport'>;

const OWN_LABEL = 'multicluster.podwire.io/managed-by';
const OWN = 'podwire';

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

  async write(key: string, { spec, clusters }: ImportPlan): Promise<ServiceImport> {
    const { type, ipFamilies = [] } = spec;
    const ips = await this.#addresses.take(key, type === 'Headless' ? [] : ipFamilies);
    const written = await this.#writeSpec(key, type === 'Headless' ? spec : { ...spec, ips });
    return this.#writeStatus(written, clusters);
  }

  /** In line with the slices of these clusters; those of others stay as they are. */
  async writeSlices(key: string, owner: ServiceImport, members: readonly ClusterMember[], others: readonly string[]) {
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

  async #writeSpec(key: string, spec: ServiceImportSpec): Promise<ServiceImport> {
    const { client, informers } = this.#context;
    const present = this.get(key);
    if (present && equalJson(present.spec, spec)) return present;
    const metadata = { ...splitKey(key), labels: { [OWN_LABEL]: OWN } };
    const written = present
      ? await client.update('ServiceImport', { ...present, spec })
      : await client.create('ServiceImport', { metadata, spec });
    await visible(informers.of('ServiceImport'), written);
    return written;
  }

  async #writeStatus(object: ServiceImport, clusters: readonly string[]): Promise<ServiceImport> {
    const { client, informers } = this.#context;
    const conditions = withConditions(
      object.status?.conditions ?? [],
      [readiness(object)],
      object.metadata?.generation,
    );
    const status = { clusters: clusters.map((cluster) => ({ cluster })), conditions };
    if (equalJson(object.status, status)) return object;
    const written = await client.update('ServiceImport', { ...object, status }, 'status');
    await visible(informers.of('ServiceImport'), written);
    return written;
  }
}

function readiness({ spec }: ServiceImport): Said {
  const type = 'Ready';
  if (spec?.type === 'Headless' || spec?.ips?.length)
    return { type, status: 'True', reason: 'Ready', message: 'the service can be reached by its name' };
  const message = 'this cluster has no service range of a family the exported Services have';
  return { type, status: 'False', reason: 'IPFamilyNotSupported', message };
}
