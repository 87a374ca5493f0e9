import type { PodwireError } from '@podwire/base';
import type { ManagedFieldsEntry, StatusCause } from 'kubernetes-types/meta/v1.js';
import { type FieldSet, fieldPaths } from './field-set.ts';
import { failure } from './status.ts';

/** Fields that somebody else owns and that are to be changed. */
export interface FieldConflict {
  readonly entry: ManagedFieldsEntry;
  readonly fields: FieldSet;
}

/** 409 in the words of Kubernetes, a cause for each field. */
export function conflictError(conflicts: readonly FieldConflict[]): PodwireError {
  const named = conflicts
    .map(({ entry, fields }) => ({ owner: ownerText(entry), paths: fieldPaths(fields) }))
    .sort((a, b) => (a.owner < b.owner ? -1 : 1));
  const causes: StatusCause[] = named.flatMap(({ owner, paths }) =>
    paths.map((field) => ({ reason: 'FieldManagerConflict', message: `conflict with ${owner}`, field })),
  );
  const [only] = causes;
  const lists = named.map(({ owner, paths }) => [`conflicts with ${owner}:`, ...paths.map((path) => `- ${path}`)]);
  const message =
    only && causes.length === 1
      ? `Apply failed with 1 conflict: ${only.message}: ${only.field}`
      : `Apply failed with ${causes.length} conflicts: ${lists.flat().join('\n')}`;
  return failure(409, 'Conflict', message, { causes });
}

function ownerText({ manager = '', subresource, operation, apiVersion }: ManagedFieldsEntry): string {
  const name = JSON.stringify(manager) + (subresource ? ` with subresource ${JSON.stringify(subresource)}` : '');
  return operation === 'Update' ? `${name} using ${apiVersion}` : name;
}
