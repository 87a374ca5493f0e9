import { type ObjectOf, quantityValue } from '@podwire/kube';
import { nameOf } from './context.ts';

type Node = ObjectOf<'Node'>;

const ZONE = 'topology.kubernetes.io/zone';
/** Nodes with one of these labels, whatever its value, run no workloads that would ask a Service. */
const CONTROL_PLANE = ['node-role.kubernetes.io/control-plane', 'node-role.kubernetes.io/master'];

/** What the endpoints of a Service are placed in. */
export interface Topology {
  /** Zone of every node (label topology.kubernetes.io/zone); undefined for a node without. */
  readonly zones: ReadonlyMap<string, string | undefined>;
  /** The part of the cluster's CPUs that is in each zone, in order of name, adding up to 1; or why that is not known. */
  readonly shares: ReadonlyMap<string, number> | string;
}

/** Of the ready nodes outside the control plane, as KEP-2433 has it. */
export function planTopology(nodes: readonly Node[]): Topology {
  return { zones: new Map(nodes.map((node) => [nameOf(node), zoneOf(node)])), shares: sharesOf(nodes) };
}

function sharesOf(nodes: readonly Node[]): ReadonlyMap<string, number> | string {
  const cpus = new Map<string, number>();
  for (const node of nodes.filter(counts)) {
    const zone = zoneOf(node);
    const amount = cpusOf(node);
    if (zone === undefined) return `Node ${nameOf(node)} has no label ${ZONE}`;
    if (!(amount > 0)) return `Node ${nameOf(node)} does not say its allocatable CPU`;
    cpus.set(zone, (cpus.get(zone) ?? 0) + amount);
  }
  if (cpus.size < 2) return `there are ready nodes in ${cpus.size === 1 ? 'one zone' : 'no zone'} only`;
  const total = [...cpus.values()].reduce((sum, amount) => sum + amount, 0);
  return new Map([...cpus].sort(([a], [b]) => (a < b ? -1 : 1)).map(([zone, amount]) => [zone, amount / total]));
}

/** Equal for two states of a node that make no difference to any endpoint. */
export function topologyKey(node: Node): string {
  return JSON.stringify([zoneOf(node), counts(node), cpusOf(node)]);
}

const zoneOf = ({ metadata }: Node): string | undefined => metadata?.labels?.[ZONE] || undefined;
const cpusOf = ({ status }: Node): number => quantityValue(status?.allocatable?.['cpu'] ?? '');

function counts({ metadata, status }: Node): boolean {
  const ready = status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
  return ready && !CONTROL_PLANE.some((label) => label in (metadata?.labels ?? {}));
}
