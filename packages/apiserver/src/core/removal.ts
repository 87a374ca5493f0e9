import { schemaOf } from '../schema/catalogue.ts';
import { decode } from '../schema/decode.ts';
import { FieldErrors } from '../schema/field-errors.ts';
import type { ApiRequest } from '../seam.ts';
import { readData } from './body.ts';
import type { RemoveOptions } from './deletion.ts';
import { dryRunOf } from './dry-run.ts';
import { badRequest, invalid } from './status.ts';

/** How something is to be deleted, and whether only to see what would be. */
export interface Removal {
  readonly removal: RemoveOptions;
  readonly dryRun: boolean;
}

const POLICIES = ['Foreground', 'Background', 'Orphan'];

/** What a DELETE says of itself, in its query and in its body. Throws 400 and 422. */
export async function removalOf(request: ApiRequest): Promise<Removal> {
  return removalFrom(request.query, await readData(request));
}

/**
 * DeleteOptions, of whatever group they say they are; the query counts where they are silent. What cannot be read
 * deletes nothing: it may have been meant to be a dry run, or an object of another uid.
 */
export function removalFrom(query: URLSearchParams, data: unknown = {}): Removal {
  const { dryRun: dryRuns = [], ...given } = optionsIn(data);
  const policy = query.get('propagationPolicy');
  const removal = {
    ...grace(query.get('gracePeriodSeconds')),
    ...(policy === null ? {} : { propagationPolicy: policy }),
    ...given,
  };
  const dryRun = dryRunOf('DeleteOptions', [...query.getAll('dryRun').filter(Boolean), ...dryRuns]);
  checkPolicy(removal);
  return { removal, dryRun };
}

function optionsIn(data: unknown): RemoveOptions & { dryRun?: string[] } {
  const type = schemaOf('meta/v1', 'DeleteOptions');
  if (!type) throw new TypeError('the catalogue has no DeleteOptions');
  const { object, error } = decode(type, data);
  const { kind = type.name, apiVersion: _, ...options } = object;
  if (error !== undefined) throw badRequest(`the body cannot be handled as ${type.name}: ${error}`);
  if (kind !== type.name) throw badRequest(`the body is a ${String(kind)}, not ${type.name}`);
  return options;
}

function grace(text: string | null): RemoveOptions {
  if (text === null) return {};
  if (!/^-?\d{1,15}$/.test(text))
    throw badRequest(`invalid DeleteOptions: gracePeriodSeconds: ${JSON.stringify(text)} is not a whole number`);
  return { gracePeriodSeconds: Number(text) };
}

function checkPolicy({ propagationPolicy, orphanDependents }: RemoveOptions): void {
  if (propagationPolicy === undefined) return;
  const errors = new FieldErrors();
  const field = 'propagationPolicy';
  if (!POLICIES.includes(propagationPolicy)) errors.unsupported(field, propagationPolicy, [...POLICIES, 'nil']);
  if (orphanDependents !== undefined)
    errors.invalid(field, propagationPolicy, 'orphanDependents and deletionPropagation cannot be both set');
  if (errors.causes.length > 0) throw invalid({ group: 'meta.k8s.io', kind: 'DeleteOptions' }, '', errors.causes);
}
