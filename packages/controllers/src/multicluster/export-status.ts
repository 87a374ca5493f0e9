import type { ObjectOf } from '@podwire/kube';
import type { Condition } from 'kubernetes-types/meta/v1.js';

type Service = ObjectOf<'Service'>;
type Said = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

/** Why a Service cannot be exported; undefined: it can. */
export interface Hindrance {
  readonly reason: string;
  readonly message: string;
}

export function hindranceOf(service: Service | undefined): Hindrance | undefined {
  if (!service || service.metadata?.deletionTimestamp)
    return { reason: 'NoService', message: 'there is no Service of this name in the namespace' };
  if (service.spec?.type !== 'ExternalName') return undefined;
  return { reason: 'InvalidServiceType', message: 'a Service of type ExternalName has no endpoints to be shared' };
}

/** What a ServiceExport is told of itself. */
export interface ExportOutcome {
  readonly hindrance?: Hindrance | undefined;
  readonly conflicts: readonly string[];
  readonly clusters: readonly string[];
  /** Why this cluster has no ServiceImport of it although it should. */
  readonly failure?: string | undefined;
}

export function exportConditions({ hindrance, conflicts, clusters, failure }: ExportOutcome): readonly Said[] {
  const pending = hindrance ? 'the Service cannot be exported' : failure;
  return [
    hindrance
      ? { type: 'Valid', status: 'False', ...hindrance }
      : { type: 'Valid', status: 'True', reason: 'Valid', message: 'the Service can be exported' },
    pending === undefined
      ? { type: 'Ready', status: 'True', reason: 'Ready', message: 'clusters of the set can import it' }
      : { type: 'Ready', status: 'False', reason: hindrance ? 'Pending' : 'Failed', message: pending },
    conflicts.length > 0 && !hindrance
      ? { type: 'Conflict', status: 'True', reason: conflicts.join(','), message: conflictMessage(clusters) }
      : { type: 'Conflict', status: 'False', reason: 'NoConflicts', message: 'the exports of all clusters agree' },
  ];
}

function conflictMessage(clusters: readonly string[]): string {
  return `the Services of clusters ${clusters.join(', ')} differ: ports are joined, for the rest the oldest export counts`;
}

/** Conditions of other types stay, and so does the time of those whose status does. */
export function withConditions(present: readonly Condition[], said: readonly Said[], generation?: number): Condition[] {
  const now = `${new Date().toISOString().slice(0, 19)}Z`;
  const others = present.filter(({ type }) => !said.some((one) => one.type === type));
  const next = said.map((one): Condition => {
    const before = present.find(({ type }) => type === one.type);
    const lastTransitionTime = before?.status === one.status ? before.lastTransitionTime : now;
    return { ...one, lastTransitionTime: String(lastTransitionTime), ...observed(generation) };
  });
  return [...others, ...next];
}

const observed = (generation: number | undefined): { observedGeneration?: number } =>
  generation === undefined ? {} : { observedGeneration: generation };
