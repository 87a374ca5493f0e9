import type { ObjectOf } from '@podwire/kube';
import type { Said } from './conditions.ts';

type Service = ObjectOf<'Service'>;

/** Why a Service cannot be exported. */
export interface Hindrance {
  readonly reason: string;
  readonly message: string;
}

export function hindranceOf(service: Service | undefined): Hindrance | undefined {
  if (!service || service.metadata?.deletionTimestamp)
    return { reason: 'NoService', message: 'there is no Service of this name in the namespace' };
  if (service.spec?.type !== 'ExternalName') return undefined;
  return { reason: 'InvalidServiceType', message: 'a Service of type ExternalName has no endpoints to share' };
}

/** What there is to say of an export. */
export interface ExportOutcome {
  readonly hindrance?: Hindrance | undefined;
  /** In what the exports of all clusters contradict each other. */
  readonly conflicts: readonly string[];
  readonly clusters: readonly string[];
  /** Why this cluster itself does not import it. */
  readonly failure?: string | undefined;
}

/** The conditions of a ServiceExport; types and reasons are those of the API. */
export function exportConditions({ hindrance, conflicts, clusters, failure }: ExportOutcome): readonly Said[] {
  const isValid: Said = hindrance
    ? { type: 'Valid', status: 'False', ...hindrance }
    : { type: 'Valid', status: 'True', reason: 'Valid', message: 'the Service can be exported' };
  return [isValid, readiness(hindrance, failure), conflict(hindrance ? [] : conflicts, clusters)];
}

function readiness(hindrance: Hindrance | undefined, failure: string | undefined): Said {
  const type = 'Ready';
  if (hindrance) return { type, status: 'False', reason: 'Pending', message: 'the Service cannot be exported' };
  if (failure !== undefined) return { type, status: 'False', reason: 'Failed', message: failure };
  return { type, status: 'True', reason: 'Ready', message: 'clusters of the set can import the Service' };
}

function conflict(conflicts: readonly string[], clusters: readonly string[]): Said {
  const type = 'Conflict';
  if (conflicts.length === 0)
    return { type, status: 'False', reason: 'NoConflicts', message: 'the exports of all clusters agree' };
  const what = `the Services of clusters ${clusters.join(', ')} differ`;
  const message = `${what}: their ports are joined, for everything else the oldest export counts`;
  return { type, status: 'True', reason: conflicts.join(','), message };
}
