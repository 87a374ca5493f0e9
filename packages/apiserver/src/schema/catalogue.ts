import { ADMISSION_TYPES } from './admission-types.ts';
import { APIEXTENSIONS_TYPES } from './apiextensions-types.ts';
import { APPS_TYPES } from './apps-types.ts';
import { AUTOSCALING_TYPES, AUTOSCALING_V2_TYPES } from './autoscaling-types.ts';
import { BATCH_TYPES } from './batch-types.ts';
import { API_REGISTRATION_TYPES, CERTIFICATE_TYPES } from './certificate-types.ts';
import { COORDINATION_TYPES, CORE_TYPES, DISCOVERY_TYPES, EVENTS_TYPES, NODE_TYPES } from './core-types.ts';
import { FLOW_CONTROL_TYPES } from './flow-control-types.ts';
import { META_TYPES } from './meta-types.ts';
import { MULTICLUSTER_TYPES } from './multicluster-types.ts';
import { INGRESS_BETA_TYPES, NETWORKING_TYPES } from './networking-types.ts';
import { type FieldSchema, parseType, SCALARS, type TypeSchema, type TypeTable } from './notation.ts';
import { POD_TYPES } from './pod-types.ts';
import { POLICY_TYPES, SCHEDULING_TYPES } from './policy-types.ts';
import { RBAC_TYPES } from './rbac-types.ts';
import { AUTHENTICATION_TYPES, AUTHORIZATION_TYPES } from './review-types.ts';
import { PERSISTENT_VOLUME_TYPES, STORAGE_TYPES } from './storage-types.ts';
import { VOLUME_TYPES } from './volume-types.ts';

const SCALAR_NAMES: ReadonlySet<string> = new Set(SCALARS);

/** The types of one group version. A name is looked up here, then in core, then in meta. */
interface Family {
  /** The prefix of its types' names in OpenAPI documents. */
  readonly prefix: string;
  readonly table: TypeTable;
  readonly parsed: Map<string, ResolvedType>;
}

/** A type together with the place its fields' type names are looked up from. */
export interface ResolvedType extends TypeSchema {
  /** As in OpenAPI, e.g. `io.k8s.api.core.v1.PodSpec`. */
  readonly qualifiedName: string;
  /** The type of a field; undefined when it is a scalar. */
  typeOf(field: FieldSchema): ResolvedType | undefined;
}

function family(prefix: string, ...tables: TypeTable[]): Family {
  return { prefix, table: Object.assign({}, ...tables) as TypeTable, parsed: new Map() };
}

const CORE = family('io.k8s.api.core.v1', CORE_TYPES, POD_TYPES, VOLUME_TYPES, PERSISTENT_VOLUME_TYPES);
const META = family('io.k8s.apimachinery.pkg.apis.meta.v1', META_TYPES);
const FAMILIES: Readonly<Record<string, Family>> = {
  v1: CORE,
  'admissionregistration.k8s.io/v1': family('io.k8s.api.admissionregistration.v1', ADMISSION_TYPES),
  'admissionregistration.k8s.io/v1beta1': family('io.k8s.api.admissionregistration.v1beta1', ADMISSION_TYPES),
  'admissionregistration.k8s.io/v1alpha1': family('io.k8s.api.admissionregistration.v1alpha1', ADMISSION_TYPES),
  'apiextensions.k8s.io/v1': family('io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1', APIEXTENSIONS_TYPES),
  'apps/v1': family('io.k8s.api.apps.v1', APPS_TYPES),
  'autoscaling/v1': family('io.k8s.api.autoscaling.v1', AUTOSCALING_TYPES),
  'autoscaling/v2': family('io.k8s.api.autoscaling.v2', AUTOSCALING_V2_TYPES),
  'authentication.k8s.io/v1': family('io.k8s.api.authentication.v1', AUTHENTICATION_TYPES),
  'authorization.k8s.io/v1': family('io.k8s.api.authorization.v1', AUTHORIZATION_TYPES),
  'batch/v1': family('io.k8s.api.batch.v1', BATCH_TYPES),
  'coordination.k8s.io/v1': family('io.k8s.api.coordination.v1', COORDINATION_TYPES),
  'discovery.k8s.io/v1': family('io.k8s.api.discovery.v1', DISCOVERY_TYPES),
  'events.k8s.io/v1': family('io.k8s.api.events.v1', EVENTS_TYPES),
  'multicluster.x-k8s.io/v1alpha1': family('io.x-k8s.multicluster.v1alpha1', MULTICLUSTER_TYPES),
  'multicluster.x-k8s.io/v1beta1': family('io.x-k8s.multicluster.v1beta1', MULTICLUSTER_TYPES),
  'node.k8s.io/v1': family('io.k8s.api.node.v1', NODE_TYPES),
  'networking.k8s.io/v1': family('io.k8s.api.networking.v1', NETWORKING_TYPES),
  'extensions/v1beta1': family('io.k8s.api.extensions.v1beta1', INGRESS_BETA_TYPES),
  'networking.k8s.io/v1beta1': family('io.k8s.api.networking.v1beta1', INGRESS_BETA_TYPES),
  'policy/v1': family('io.k8s.api.policy.v1', POLICY_TYPES),
  'rbac.authorization.k8s.io/v1': family('io.k8s.api.rbac.v1', RBAC_TYPES),
  'scheduling.k8s.io/v1': family('io.k8s.api.scheduling.v1', SCHEDULING_TYPES),
  'certificates.k8s.io/v1': family('io.k8s.api.certificates.v1', CERTIFICATE_TYPES),
  'flowcontrol.apiserver.k8s.io/v1': family('io.k8s.api.flowcontrol.v1', FLOW_CONTROL_TYPES),
  'apiregistration.k8s.io/v1': family('io.k8s.kube-aggregator.pkg.apis.apiregistration.v1', API_REGISTRATION_TYPES),
  'storage.k8s.io/v1': family('io.k8s.api.storage.v1', STORAGE_TYPES),
  'meta/v1': META,
};

/** Types of request bodies that are not objects of a stored kind. */
export const REQUEST_TYPES: readonly (readonly [apiVersion: string, kind: string])[] = [
  ['v1', 'Binding'],
  ['policy/v1', 'Eviction'],
  ['autoscaling/v1', 'Scale'],
  ['authentication.k8s.io/v1', 'SelfSubjectReview'],
  ['authentication.k8s.io/v1', 'TokenRequest'],
  ['authentication.k8s.io/v1', 'TokenReview'],
  ['authorization.k8s.io/v1', 'LocalSubjectAccessReview'],
  ['authorization.k8s.io/v1', 'SelfSubjectAccessReview'],
  ['authorization.k8s.io/v1', 'SelfSubjectRulesReview'],
  ['authorization.k8s.io/v1', 'SubjectAccessReview'],
];

function resolve(from: Family, name: string): ResolvedType | undefined {
  const home = [from, CORE, META].find((candidate) => Object.hasOwn(candidate.table, name));
  if (!home) return undefined;
  const known = home.parsed.get(name);
  if (known) return known;
  const below = new Map<string, ResolvedType | undefined>();
  const typeOf = ({ type }: FieldSchema): ResolvedType | undefined => {
    if (SCALAR_NAMES.has(type)) return undefined;
    if (!below.has(type)) below.set(type, resolve(home, type));
    return below.get(type);
  };
  const type = { ...parseType(name, home.table[name] ?? ''), qualifiedName: `${home.prefix}.${name}`, typeOf };
  home.parsed.set(name, type);
  return type;
}

/**
 * The schema of a kind, e.g. `schemaOf('apps/v1', 'Deployment')`; undefined when podwire does not know it. The
 * pseudo group version `meta/v1` holds DeleteOptions and the parts all objects share.
 */
export function schemaOf(apiVersion: string, kind: string): ResolvedType | undefined {
  const from = FAMILIES[apiVersion];
  return from && Object.hasOwn(from.table, kind) ? resolve(from, kind) : undefined;
}

/** The type that holds the field at a path of names (list and map elements are stepped into without a name). */
export function fieldAt(type: ResolvedType, path: readonly string[]): FieldSchema | undefined {
  let at: ResolvedType | undefined = type;
  let field: FieldSchema | undefined;
  for (const name of path) {
    field = at?.fields.get(name);
    if (!field) return undefined;
    at = at?.typeOf(field);
  }
  return field;
}
