import { equalJson, type ObjectOf, type ServiceImportPort, type ServiceImportSpec } from '@podwire/kube';
import { type ExportedMetadata, exportedMetadata } from './exported-metadata.ts';

/** A Service one cluster exports, as that cluster has it. */
export interface ExportedService {
  readonly cluster: string;
  readonly exported: ObjectOf<'ServiceExport'>;
  readonly service: ObjectOf<'Service'>;
}

export interface ImportPlan {
  /** Without addresses: those are this cluster's own. */
  readonly spec: ServiceImportSpec;
  /** Of the oldest export. */
  readonly metadata: ExportedMetadata;
  /** Sorted. */
  readonly clusters: readonly string[];
  /** In what the exports contradict each other: reasons of condition Conflict. */
  readonly conflicts: readonly string[];
}

type Service = ObjectOf<'Service'>;

/**
 * What the exports of one name make together: the ports of all, everything else as the oldest export has it. Undefined
 * without any. Source: KEP-1645, "Constraints and Conflict Resolution".
 */
export function planImport(exports: readonly ExportedService[]): ImportPlan | undefined {
  const services = [...exports].sort(byAge);
  const [oldest] = services;
  if (!oldest) return undefined;
  const all = services.map(({ service }) => service);
  return {
    spec: specOf(oldest.service, all),
    metadata: exportedMetadata(oldest.exported),
    clusters: services.map(({ cluster }) => cluster).sort(),
    conflicts: Object.entries(PROPERTIES).flatMap(([reason, read]) => (differs(services, read) ? [reason] : [])),
  };
}

/** Older exports first; of the same second, by the names of their clusters. */
function byAge(a: ExportedService, b: ExportedService): number {
  const time = ({ exported }: ExportedService): number => Date.parse(String(exported.metadata?.creationTimestamp));
  return (time(a) || 0) - (time(b) || 0) || (a.cluster < b.cluster ? -1 : 1);
}

const PROPERTIES: Readonly<Record<string, (one: ExportedService) => unknown>> = {
  PortConflict: ({ service }) =>
    portsOf(service)
      .map((port) => JSON.stringify(port))
      .sort(),
  TypeConflict: ({ service }) => isHeadless(service),
  SessionAffinityConflict: ({ service }) => affinityOf(service).sessionAffinity,
  SessionAffinityConfigConflict: ({ service }) => affinityOf(service).sessionAffinityConfig ?? null,
  InternalTrafficPolicyConflict: ({ service }) => service.spec?.internalTrafficPolicy ?? 'Cluster',
  TrafficDistributionConflict: ({ service }) => service.spec?.trafficDistribution ?? '',
  IPFamilyConflict: ({ service }) => [...familiesOf(service)].sort(),
  LabelsConflict: ({ exported }) => exportedMetadata(exported).labels,
  AnnotationsConflict: ({ exported }) => exportedMetadata(exported).annotations,
};

function differs(exports: readonly ExportedService[], read: (one: ExportedService) => unknown): boolean {
  const [first, ...others] = exports.map(read);
  return others.some((one) => !equalJson(one, first));
}

function specOf(oldest: Service, all: readonly Service[]): ServiceImportSpec {
  const { internalTrafficPolicy, trafficDistribution } = oldest.spec ?? {};
  const shared = { ports: unionOfPorts(all), ipFamilies: [...new Set(all.flatMap(familiesOf))] };
  if (isHeadless(oldest)) return { type: 'Headless', ...shared };
  return {
    type: 'ClusterSetIP',
    ...shared,
    ...affinityOf(oldest),
    ...(internalTrafficPolicy !== undefined && { internalTrafficPolicy }),
    ...(trafficDistribution !== undefined && { trafficDistribution }),
  };
}

/** No two of one name, nor of one protocol and number: the older port stays. */
function unionOfPorts(services: readonly Service[]): ServiceImportPort[] {
  const ports: ServiceImportPort[] = [];
  const isSame = (a: ServiceImportPort, b: ServiceImportPort): boolean =>
    (a.name ?? '') === (b.name ?? '') || (a.protocol === b.protocol && a.port === b.port);
  for (const port of services.flatMap(portsOf)) if (!ports.some((one) => isSame(one, port))) ports.push(port);
  // A port without a name can be only where it is the only one.
  return ports.length > 1 ? ports.filter(({ name }) => name) : ports;
}

function portsOf({ spec }: Service): ServiceImportPort[] {
  return (spec?.ports ?? []).map(({ name, port, protocol = 'TCP', appProtocol }) => ({
    ...(name ? { name } : {}),
    ...{ port, protocol },
    ...(appProtocol ? { appProtocol } : {}),
  }));
}

function affinityOf({ spec }: Service): Pick<ServiceImportSpec, 'sessionAffinity' | 'sessionAffinityConfig'> {
  const { sessionAffinity = 'None', sessionAffinityConfig } = spec ?? {};
  return { sessionAffinity, ...(sessionAffinity === 'ClientIP' && sessionAffinityConfig && { sessionAffinityConfig }) };
}

function familiesOf({ spec }: Service): readonly string[] {
  return spec?.ipFamilies ?? [spec?.clusterIP?.includes(':') ? 'IPv6' : 'IPv4'];
}

function isHeadless({ spec }: Service): boolean {
  return spec?.clusterIP === 'None';
}
