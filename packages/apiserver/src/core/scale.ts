import type { LabelSelector } from 'kubernetes-types/meta/v1.js';
import type { Attempt } from '../admission/attempt.ts';
import { customScale, withCustomReplicas } from '../custom/custom-scale.ts';
import type { ScalePaths } from '../custom/definition/definition.ts';
import { schemaOf } from '../schema/catalogue.ts';
import { decode } from '../schema/decode.ts';
import type { ApiObject, User } from '../seam.ts';
import { isObject } from './patches.ts';
import type { Registry, Target, WriteOptions } from './registry.ts';
import { badRequest, invalid, invalidValue, modifiedMeanwhile } from './status.ts';
import { optionsOf } from './write-attempt.ts';
import { ROUNDS } from './write-change.ts';

type Labels = { [key: string]: string };

interface Workload {
  readonly spec?: { readonly replicas?: number; readonly selector?: LabelSelector | Labels };
  readonly status?: { readonly replicas?: number; readonly selector?: string };
}

/** The autoscaling/v1 Scale of a workload that has one; of a custom resource by the paths of its definition. */
export function scaleOf(object: ApiObject, paths?: ScalePaths): ApiObject {
  const { spec, status } = (paths ? customScale(object, paths) : object) as unknown as Workload;
  const { name, namespace, uid, resourceVersion, creationTimestamp } = object.metadata;
  const metadata = Object.fromEntries(
    Object.entries({ name, namespace, uid, resourceVersion, creationTimestamp }).filter(([, v]) => v !== undefined),
  );
  // A ReplicationController is older than label selectors: it has the labels themselves.
  const isOld = object.kind === 'ReplicationController';
  const labels = isOld ? { matchLabels: spec?.selector as Labels } : (spec?.selector as LabelSelector);
  const selector = paths ? status?.selector : selectorText(labels);
  return {
    kind: 'Scale',
    apiVersion: 'autoscaling/v1',
    metadata,
    spec: spec?.replicas ? { replicas: spec.replicas } : {},
    status: { replicas: status?.replicas ?? 0, ...(selector ? { selector } : {}) },
  };
}

/** What somebody sent as the Scale of an object. Throws 400. */
export function readScale(data: unknown, name: string): ApiObject {
  const type = schemaOf('autoscaling/v1', 'Scale');
  if (!type || !isObject(data) || data.kind !== 'Scale') throw badRequest('the body is not a Scale');
  const { object, error } = decode(type, { metadata: {}, ...data });
  if (error !== undefined) throw badRequest(`Scale in version "v1" cannot be handled as a Scale: ${error}`);
  const scale = object as unknown as ApiObject;
  const { name: given = name } = scale.metadata;
  if (given === name) return scale;
  throw badRequest(`the name of the object (${given}) does not match the name on the URL (${name})`);
}

interface Scaled {
  readonly target: Target;
  readonly paths?: ScalePaths | undefined;
}

/**
 * Writes the replicas of a Scale, which is made of the present one, into its object; returns the new Scale. When the
 * object is changed while webhooks are asked, all begins again.
 */
export async function changeScale(
  registry: Registry,
  { target, paths }: Scaled,
  make: (old: ApiObject) => ApiObject,
  options: WriteOptions,
): Promise<ApiObject> {
  const { user, ...trusted } = options;
  for (let round = 1; ; round++) {
    const old = registry.latest(target);
    const given = make(scaleOf(old, paths));
    const scale = user ? await consult(registry, { target, paths }, given, { ...options, user }) : given;
    const latest = registry.latest(target);
    const isSame = latest.metadata.resourceVersion === old.metadata.resourceVersion;
    if (!isSame && round < ROUNDS) continue;
    if (!isSame) throw modifiedMeanwhile(target.kind, target.name);
    const changed = withScale(latest, scale, { target, paths });
    return scaleOf(await registry.update(target, changed, trusted), paths);
  }
}

/** Throws 422. */
function withScale(old: ApiObject, { spec, metadata }: ApiObject, { target, paths }: Scaled): ApiObject {
  const replicas = (spec as { replicas?: unknown } | undefined)?.replicas ?? 0;
  if (typeof replicas !== 'number' || !Number.isInteger(replicas) || replicas < 0) {
    const cause = invalidValue('spec.replicas', replicas, 'must be greater than or equal to 0');
    throw invalid({ group: 'autoscaling', kind: 'Scale' }, target.name, [cause]);
  }
  const { resourceVersion = old.metadata.resourceVersion } = metadata;
  const scaled = paths ? withCustomReplicas(old, paths, replicas) : withReplicas(old, replicas);
  return { ...scaled, metadata: resourceVersion === undefined ? old.metadata : { ...old.metadata, resourceVersion } };
}

/** Admission sees the Scale, not the object it is of. */
async function consult(
  registry: Registry,
  { target, paths }: Scaled,
  scale: ApiObject,
  options: WriteOptions & { readonly user: User },
): Promise<ApiObject> {
  const { kind, name, namespace } = target;
  const { user, dryRun } = options;
  const old = scaleOf(registry.latest(target), paths);
  const attempt: Attempt = {
    ...{ operation: 'UPDATE', kind, subresource: 'scale', owner: { name, namespace }, old, user, dryRun },
    object: { ...old, ...scale, metadata: { ...old.metadata, ...scale.metadata }, status: old.status },
    options: optionsOf('UpdateOptions', options),
  };
  const consulted = (await registry.consult(attempt, options)) ?? scale;
  return { ...consulted, metadata: scale.metadata };
}

function withReplicas(object: ApiObject, replicas: number): ApiObject {
  return { ...object, spec: { ...(object.spec as object), replicas } };
}

/** The selector in the text form of list requests. */
function selectorText(selector: LabelSelector | undefined): string {
  const equal = Object.entries(selector?.matchLabels ?? {}).map(([key, value]) => `${key}=${value}`);
  const expressions = (selector?.matchExpressions ?? []).map(({ key, operator, values = [] }) => {
    if (operator === 'Exists') return key;
    if (operator === 'DoesNotExist') return `!${key}`;
    return `${key} ${operator === 'In' ? 'in' : 'notin'} (${[...values].sort().join(',')})`;
  });
  return [...equal, ...expressions].sort().join(',');
}
