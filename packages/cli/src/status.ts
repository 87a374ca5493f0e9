import { createKubeClient, type ObjectOf, type RoomStatus } from '@podwire/kube';
import { labPaths, type Surroundings, unreadyReason } from '@podwire/lab';
import { stringify } from 'yaml';
import { colours } from './colours.ts';
import { askDaemon } from './control-client.ts';
import { errorLines, limitLines } from './node-errors.ts';
import { becomeRoot } from './root.ts';
import { surroundingsOf } from './surroundings.ts';
import { formatTable } from './table.ts';

export interface StatusOptions {
  readonly name: string;
  readonly output?: 'json' | 'yaml' | 'wide';
}

interface LabStatus {
  readonly name: string;
  readonly nodes: readonly { readonly node: string; readonly rooms: readonly RoomStatus[] }[];
}

/** Exit 0 when every room is ready, 1 otherwise. */
export async function status({ name, output }: StatusOptions): Promise<number> {
  becomeRoot();
  const lab = await askDaemon<LabStatus>(name, '/status');
  const client = createKubeClient({ socketPath: labPaths(name).apiSocket });
  const [pods, services, surroundings] = await Promise.all([
    client.list('Pod'),
    client.list('Service'),
    surroundingsOf(client),
  ]);
  client.close();
  const errors = errorLines(lab.nodes);
  const limits = limitLines(lab.nodes);
  const all = {
    ...lab,
    pods: pods.items.map((pod) => podFacts(pod, surroundings)),
    services: services.items.map(serviceFacts),
    errors,
    limits,
  };
  if (output === 'json') console.log(JSON.stringify(all, null, 2));
  else if (output === 'yaml') console.log(stringify(all));
  else console.log(formatStatus(lab, all, output === 'wide'));
  return lab.nodes.every(({ rooms }) => rooms.every((room) => room.ready)) ? 0 : 1;
}

type PodFacts = ReturnType<typeof podFacts>;
/** `ready` is what Services see: pods that are completed are not, and need not be. */
export function podFacts(pod: ObjectOf<'Pod'>, surroundings: Surroundings = {}) {
  const { metadata, spec, status } = pod;
  const completed = status?.phase === 'Succeeded';
  const ready = status?.conditions?.some((c) => c.type === 'Ready' && c.status === 'True') ?? false;
  return {
    namespace: metadata?.namespace ?? '',
    name: metadata?.name ?? '',
    node: spec?.nodeName ?? '<none>',
    address: status?.podIP ?? '<none>',
    ready,
    completed,
    ...(ready || completed ? {} : { reason: unreadyReason(pod, surroundings) }),
  };
}

type ServiceFacts = ReturnType<typeof serviceFacts>;
function serviceFacts(service: ObjectOf<'Service'>) {
  const { metadata, spec } = service;
  const ports = (spec?.ports ?? []).map((p) => `${p.port}${p.nodePort ? `:${p.nodePort}` : ''}/${p.protocol ?? 'TCP'}`);
  return {
    namespace: metadata?.namespace ?? '',
    name: metadata?.name ?? '',
    type: spec?.type ?? 'ClusterIP',
    clusterIP: spec?.clusterIP ?? 'None',
    externalAddresses: externalAddresses(service),
    ports,
  };
}

/** `<pending>` while a load balancer has none. */
function externalAddresses({ spec, status }: ObjectOf<'Service'>): string[] {
  const balanced = (status?.loadBalancer?.ingress ?? []).flatMap(({ ip, hostname }) => ip ?? hostname ?? []);
  const all = [...balanced, ...(spec?.externalIPs ?? []), ...(spec?.externalName ? [spec.externalName] : [])];
  return all.length === 0 && spec?.type === 'LoadBalancer' ? ['<pending>'] : all;
}

function formatStatus(
  lab: LabStatus,
  all: {
    readonly pods: readonly PodFacts[];
    readonly services: readonly ServiceFacts[];
    readonly errors: readonly string[];
    readonly limits: readonly string[];
  },
  wide: boolean,
): string {
  const mark = (ready: boolean): string => (ready ? colours.green('ok') : colours.red('NOT READY'));
  const mode = ({ facts: { mode } }: RoomStatus): string => (mode === undefined || wide ? '' : ` ${mode}`);
  const repaired = ({ facts: { repairs } }: RoomStatus): string =>
    wide || repairs === undefined || repairs === 0 ? '' : ` repaired ${repairs}x`;
  const facts = (room: RoomStatus): string =>
    wide
      ? ` ${Object.entries(room.facts)
          .map(([k, v]) => `${k}=${v}`)
          .join(' ')}`
      : '';
  const rooms = lab.nodes.map(({ node, rooms: list }) => [
    node,
    ...list.map((room) => `${mark(room.ready)}${mode(room)}${repaired(room)}${facts(room)}`),
  ]);
  const pods = all.pods.map((p) => [
    p.namespace,
    p.name,
    p.completed ? 'completed' : p.ready ? 'ready' : 'not ready',
    p.address,
    p.node,
    p.reason ?? '',
  ]);
  const services = all.services.map((s) => [
    s.namespace,
    s.name,
    s.type,
    s.clusterIP,
    s.externalAddresses.join(',') || '<none>',
    s.ports.join(',') || '<none>',
  ]);
  return [
    formatTable(['NODE', ...(lab.nodes[0]?.rooms ?? []).map((room) => room.room.toUpperCase())], rooms),
    formatTable(['NAMESPACE', 'POD', 'STATUS', 'ADDRESS', 'NODE', 'REASON'], pods),
    formatTable(['NAMESPACE', 'SERVICE', 'TYPE', 'CLUSTER-IP', 'EXTERNAL', 'PORTS'], services),
    ...(all.errors.length > 0 ? [`${colours.red('errors')}\n${all.errors.join('\n')}`] : []),
    ...(all.limits.length > 0 ? [`${colours.bold('limits')}\n${all.limits.join('\n')}`] : []),
  ].join('\n\n');
}
