import { type IpAddress, PodwireError } from '@podwire/base';
import type { ClusterView } from './cluster-view.ts';
import type { TargetText } from './endpoint-name.ts';
import type { Protocol } from './step.ts';

interface Listener {
  readonly name: string;
  readonly port: number;
}

/** The number behind `:80`, `:http` or, when there is only one port to mean, nothing at all. Throws TRACE_TARGET. */
export function findPort(
  cluster: ClusterView,
  { host, port, address, protocol }: TargetText & { readonly address: IpAddress; readonly protocol: Protocol },
): number {
  if (port !== undefined && /^\d+$/.test(port)) return Number(port);
  const known = portsAt(cluster, address, protocol);
  const fitting = port === undefined ? known : known.filter(({ name }) => name === port);
  const [only, ...more] = fitting;
  if (only && more.length === 0) return only.port;
  const list = known.map((one) => (one.name ? `${one.port} (${one.name})` : String(one.port))).join(', ') || 'none';
  const what = port === undefined ? 'give a port' : `there is no port "${port}"`;
  throw new PodwireError('TRACE_TARGET', `${what}: write ${host}:PORT; ${protocol} ports known there: ${list}`);
}

/** Of the Service or ServiceImport whose address it is, or else of the pod's containers. */
function portsAt(cluster: ClusterView, address: IpAddress, protocol: Protocol): Listener[] {
  const { services, imports } = cluster.objects;
  const service = services.find(({ spec, status }) =>
    [
      ...[spec?.clusterIP, ...(spec?.clusterIPs ?? []), ...(spec?.externalIPs ?? [])],
      ...(status?.loadBalancer?.ingress ?? []).map(({ ip }) => ip),
    ].includes(address),
  );
  const found = service ?? imports.find(({ spec }) => spec?.ips?.includes(address));
  const ofProtocol = (text: string | undefined) => (text ?? 'TCP').toLowerCase() === protocol;
  if (found)
    return (found.spec?.ports ?? [])
      .filter((one) => ofProtocol(one.protocol))
      .map(({ name = '', port }) => ({ name, port }));
  return (cluster.podAt(address)?.spec?.containers ?? [])
    .flatMap(({ ports }) => ports ?? [])
    .filter((one) => ofProtocol(one.protocol))
    .map(({ name = '', containerPort }) => ({ name, port: containerPort }));
}
