import { equalJson, type Kind, type KindId, kindNamed, statusOf } from '@podwire/kube';
import type { Status } from 'kubernetes-types/meta/v1.js';
import { checkPolicies } from '../admission/admission-policies.ts';
import type { CustomResources } from '../custom/custom-resources.ts';
import type { ApiObject, FieldValidation, Schema, StatusCause, User } from '../seam.ts';
import { addsExternalIps, completed, withoutStaleBalancer } from './completion.ts';
import { checkPreconditions, markedForRemoval, type RemoveOptions } from './deletion.ts';
import type { Writer } from './field-owner.ts';
import {
  changedObject,
  changedStatus,
  finalizerCauses,
  generatedName,
  isReleased,
  isUnchanged,
  newObject,
  timestamp,
  withGeneration,
} from './lifecycle.ts';
import { checkLimits, withLimits } from './limit-ranges.ts';
import { entriesAfterUpdate, withManagedFields } from './managed-fields.ts';
import { admittedPod } from './pod-admission.ts';
import { checkDefaultClass } from './pod-priority.ts';
import { Quotas } from './quotas.ts';
import type { ServiceAddresses } from './service-addresses.ts';
import { sharing } from './shared-parts.ts';
import {
  alreadyExists,
  badRequest,
  conflict,
  failure,
  forbidden,
  invalid,
  modifiedMeanwhile,
  notFound,
  required,
  success,
} from './status.ts';
import { keyOf, type Store } from './store.ts';

/** One object by name. */
export interface Target {
  readonly kind: Kind;
  /** Absent for cluster-scoped kinds. */
  readonly namespace?: string | undefined;
  readonly name: string;
}

/** Called with a valid object before it is stored; `old` is absent when it is new. */
export type WriteGuard = (kind: Kind, next: ApiObject, old?: ApiObject) => void;

export interface WriteOptions {
  readonly fieldValidation: FieldValidation;
  readonly dryRun: boolean;
  /** Receives the texts of Warning headers. */
  readonly warn: (text: string) => void;
  readonly subresource?: 'status' | undefined;
  /** What the client said twice, as the Schema says what is unknown. */
  readonly duplicates?: readonly string[];
  /** The version the client wrote in; absent: that the kind is stored in. */
  readonly apiVersion?: string | undefined;
  /** Throws when whoever writes may not write this; absent: trusted. */
  readonly guard?: WriteGuard;
  /** A patch reports what it cannot decode in other words than a whole object. */
  readonly patch?: string;
  /** Absent for podwire's own: what it creates has no managedFields. */
  readonly writer?: Writer;
  /** Absent: podwire itself. */
  readonly user?: User;
}

/** More of what is unknown or said twice is not told, as Kubernetes has it. */
const MAX_FAULTS = 100;
const PODWIRE: Writer = { manager: 'podwire', operation: 'Update' };

const PODWIRE_USER: User = { name: 'system:podwire', groups: ['system:masters', 'system:authenticated'] };

export interface BindOptions {
  /** The pod has to have it. */
  readonly uid?: string | undefined;
  readonly dryRun?: boolean;
}

const KEPT_NAMESPACES = new Set(['default', 'kube-system', 'kube-public', 'kube-node-lease']);
const NAMESPACE = kindNamed('Namespace');
/** Kinds whose removal may let a ServiceCIDR go that is being deleted. */
const RELEASES: ReadonlySet<KindId> = new Set<KindId>(['Service', 'IPAddress', 'ServiceCIDR']);

export interface RegistryParts {
  readonly store: Store;
  readonly schema: Schema;
  readonly addresses: ServiceAddresses;
  /** Refuses externalIPs that a Service does not have yet. Default false. */
  readonly denyExternalIPs?: boolean | undefined;
  /** Absent: CustomResourceDefinitions define nothing. */
  readonly custom?: CustomResources | undefined;
}

/**
 * The verbs on stored objects. From reading the stored object to staging the new one nothing awaits, so no write can
 * come in between; promises resolve when the write is durable. Failures are Status errors.
 */
export class Registry {
  readonly store: Store;
  readonly #quotas: Quotas;
  readonly #schema: Schema;
  readonly #addresses: ServiceAddresses;
  readonly #denyExternalIPs: boolean;
  readonly #custom: CustomResources | undefined;

  constructor({ store, schema, addresses, denyExternalIPs = false, custom }: RegistryParts) {
    this.#custom = custom;
    this.store = store;
    this.#quotas = new Quotas(store);
    this.#schema = schema;
    this.#addresses = addresses;
    this.#denyExternalIPs = denyExternalIPs;
  }

  /** Throws 404. */
  get({ kind, namespace, name }: Target): ApiObject {
    const object = this.store.get(kind.id, keyFor(kind, namespace, name));
    if (!object) throw notFound(kind, name);
    return object;
  }

  /** As get, with writes that are not yet durable: what a change starts from. */
  latest({ kind, namespace, name }: Target): ApiObject {
    const object = this.store.latest(kind.id, keyFor(kind, namespace, name));
    if (!object) throw notFound(kind, name);
    return object;
  }

  async create(kind: Kind, namespace: string | undefined, { draft, options }: Draft): Promise<ApiObject> {
    this.#custom?.requireLiving(kind);
    const isTaken = (name: string) => this.store.latest(kind.id, keyFor(kind, namespace, name)) !== undefined;
    const given = completed(kind, newObject(kind, withName(draft, isTaken), namespace));
    const started = kind.id === 'Pod' ? withLimits(admittedPod(given, this.store), this.store) : given;
    if (!started.metadata.name)
      throw invalid(kind, '', [required('metadata.name', 'name or generateName is required')]);
    const object = this.#recorded(kind, this.#checked(kind, started, options).object, options);
    if (this.store.latest(kind.id, keyOf(object))) throw alreadyExists(kind, object.metadata.name ?? '');
    this.#requireNamespace(kind, object);
    options.guard?.(kind, object);
    this.#consult(kind, { object }, options);
    return this.#write(kind, this.#admit(kind, object), options);
  }

  /** PUT. `next` may carry a resourceVersion or uid to be checked. */
  async update(target: Target, next: ApiObject, options: WriteOptions): Promise<ApiObject> {
    return this.#update(target, { next, old: this.latest(target) }, options);
  }

  #update({ kind, name }: Target, { next, old }: { next: ApiObject; old: ApiObject }, options: WriteOptions) {
    const { resourceVersion, uid } = next.metadata;
    if (uid && uid !== old.metadata.uid) {
      throw conflict(
        kind,
        name,
        `Precondition failed: UID in precondition: ${uid}, UID in object meta: ${old.metadata.uid}`,
      );
    }
    if (resourceVersion && resourceVersion !== old.metadata.resourceVersion) throw modifiedMeanwhile(kind, name);
    return this.#replace(kind, next, { old, options });
  }

  /** Applies a function of the stored object; it may not change the argument. */
  async change(target: Target, make: (old: ApiObject) => ApiObject, options: WriteOptions): Promise<ApiObject> {
    const old = this.latest(target);
    return this.#update(target, { next: make(old), old }, options);
  }

  /** The object as it is now when something still has to happen to it, else a Status. */
  async remove(target: Target, removal: RemoveOptions, dryRun: boolean, user?: User): Promise<ApiObject | Status> {
    const { kind, name } = target;
    const current = this.latest(target);
    if (kind.id === 'Namespace' && KEPT_NAMESPACES.has(name)) {
      throw forbidden(kind, name, 'this namespace may not be deleted');
    }
    checkPreconditions(kind, current, removal);
    this.#consult(kind, { old: current }, { dryRun, warn: () => {}, ...(user ? { user } : {}) });
    const next = markedForRemoval(kind, current, removal);
    const group = kind.group ? { group: kind.group } : {};
    const gone = success({ name, ...group, kind: kind.plural, uid: current.metadata.uid ?? '' });
    if (dryRun) return isReleased(kind, next) ? gone : next;
    if (isReleased(kind, next)) {
      await this.#take(kind, next);
      return gone;
    }
    if (equalJson(next, current)) return current;
    return this.#put(kind, next);
  }

  /** POST pods/NAME/binding: what a scheduler does. */
  async bind(
    namespace: string,
    name: string,
    nodeName: string,
    { uid, dryRun = false }: BindOptions = {},
  ): Promise<void> {
    const kind = kindNamed('Pod');
    const pod = this.latest({ kind, namespace, name });
    const spec = pod.spec as { nodeName?: string };
    if (!nodeName) throw badRequest('target.name: Required value');
    if (uid) checkPreconditions(kind, pod, { preconditions: { uid } });
    const binding = { group: '', plural: 'pods/binding' };
    if (pod.metadata.deletionTimestamp)
      throw conflict(binding, name, `pod ${name} is being deleted, cannot be assigned to a host`);
    if (spec.nodeName)
      throw conflict(binding, name, `pod ${name} is already assigned to node ${JSON.stringify(spec.nodeName)}`);
    // It has what it was promised.
    const { nominatedNodeName: _, ...status } = (pod.status ?? {}) as BoundStatus;
    const scheduled = { type: 'PodScheduled', status: 'True', lastProbeTime: null, lastTransitionTime: timestamp() };
    const conditions = [...(status.conditions ?? []).filter((c) => c.type !== 'PodScheduled'), scheduled];
    if (dryRun) return;
    await this.store.put('Pod', { ...pod, spec: { ...spec, nodeName }, status: { ...status, conditions } });
  }

  /** PUT namespaces/NAME/finalize: only spec.finalizers is taken. */
  async finalize(name: string, next: ApiObject, dryRun = false): Promise<ApiObject> {
    const old = this.latest({ kind: NAMESPACE, name });
    const { resourceVersion } = next.metadata;
    if (resourceVersion && resourceVersion !== old.metadata.resourceVersion) throw modifiedMeanwhile(NAMESPACE, name);
    const options: WriteOptions = { fieldValidation: 'Ignore', dryRun, warn: () => {}, writer: PODWIRE };
    const { object } = this.#checked(NAMESPACE, { ...old, spec: next.spec ?? {} } as ApiObject, options, old);
    if (dryRun) return object;
    return isReleased(NAMESPACE, object) ? this.#take(NAMESPACE, object) : this.store.put('Namespace', object);
  }

  #replace(
    kind: Kind,
    next: ApiObject,
    { old, options }: { old: ApiObject; options: WriteOptions },
  ): Promise<ApiObject> {
    const changed =
      options.subresource === 'status'
        ? changedStatus(kind, next, old)
        : withoutStaleBalancer(kind, changedObject(kind, completed(kind, next, old), old));
    const merged = sharing(changed, old);
    const object = this.#recorded(kind, this.#checked(kind, merged, options, old).object, options, old);
    const causes = finalizerCauses(object, old);
    if (causes.length > 0) throw invalid(kind, object.metadata.name ?? '', causes);
    options.guard?.(kind, object, old);
    this.#consult(kind, { object, old }, options);
    const counted = withGeneration(kind, object, old);
    if (isReleased(kind, counted) && !options.dryRun) return this.#take(kind, counted);
    if (isUnchanged(counted, old)) return Promise.resolve(old);
    return this.#write(
      kind,
      options.subresource === 'status' ? admitted(counted) : this.#admit(kind, counted, old),
      options,
    );
  }

  /** With what this write changes as its writer's in metadata.managedFields; an apply has done that itself. */
  #recorded(kind: Kind, next: ApiObject, { writer = PODWIRE, subresource }: WriteOptions, old?: ApiObject): ApiObject {
    if (writer.operation === 'Apply' || (!old && writer === PODWIRE)) return next;
    if (old && !old.metadata.managedFields && !next.metadata.managedFields) return next;
    const owner = { subresource, ...writer, apiVersion: kind.apiVersion };
    const ruleAt = (path: readonly string[]) => this.#schema.mergeRule(kind, path);
    return withManagedFields(next, entriesAfterUpdate({ old, next, owner, ruleAt, now: timestamp() }));
  }

  /** Throws what policies deny. */
  #consult(
    kind: Kind,
    { object, old }: Change,
    options: Pick<WriteOptions, 'dryRun' | 'warn' | 'subresource' | 'user'>,
  ) {
    const { dryRun, warn, subresource, user = PODWIRE_USER } = options;
    const operation = !object ? 'DELETE' : old ? 'UPDATE' : 'CREATE';
    checkPolicies(this.store, { operation, kind, subresource, object, old, user, dryRun }, warn);
  }

  /** Defaults, unknown fields, invalid values. */
  #checked(kind: Kind, whole: ApiObject, options: WriteOptions, old?: ApiObject): { object: ApiObject } {
    const { fieldValidation } = options;
    // Entries that are not the client's are many, and need no check.
    const entries = whole.metadata.managedFields ?? [];
    const ours = options.writer?.operation === 'Apply' || equalJson(entries, old?.metadata.managedFields ?? []);
    const draft = ours ? withManagedFields(whole, []) : whole;
    const asked = { fieldValidation, apiVersion: options.apiVersion };
    const result = this.#schema.validateAndDefault(kind, draft, old ? { ...asked, old } : asked);
    if (result.decodeError !== undefined) throw undecodable(kind, result.decodeError, options);
    const faults = [...(options.duplicates ?? []), ...result.unknown].slice(0, MAX_FAULTS);
    if (fieldValidation === 'Strict' && faults.length > 0) {
      throw undecodable(kind, `strict decoding error: ${faults.join(', ')}`, options);
    }
    if (fieldValidation === 'Warn') for (const text of faults) options.warn(text);
    if (options.subresource !== 'status') for (const text of result.warnings) options.warn(text);
    if (result.causes.length > 0) throw invalid(kind, draft.metadata.name ?? '', result.causes);
    const checked = ours ? withManagedFields(result.object, entries) : result.object;
    return { object: sharing(checked, old) };
  }

  #admit(kind: Kind, object: ApiObject, old?: ApiObject): Admitted {
    const result = this.#completed(kind, object, old);
    this.#quotas.check(kind, { object: result.object, old });
    return result;
  }

  #completed(kind: Kind, object: ApiObject, old?: ApiObject): Admitted {
    if (kind.id === 'PriorityClass') checkDefaultClass(object, this.store);
    if (kind.id === 'Pod' && !old) checkLimits(object, this.store);
    if (kind.id === 'CustomResourceDefinition' && this.#custom) return admitted(this.#custom.admit(object));
    if (kind.id !== 'Service') return admitted(object);
    if (this.#denyExternalIPs && addsExternalIps(object, old))
      throw forbidden(kind, object.metadata.name ?? '', 'Use of external IPs is denied by admission control');
    const { spec, causes, commit } = this.#addresses.allocate(object, old);
    if (causes.length > 0) throw invalid(kind, object.metadata.name ?? '', causes);
    return { object: { ...object, spec }, commit };
  }

  #write(kind: Kind, { object, commit }: Admitted, { dryRun }: WriteOptions): Promise<ApiObject> {
    if (dryRun) return Promise.resolve(object);
    commit();
    return this.#put(kind, object);
  }

  #put(kind: Kind, object: ApiObject): Promise<ApiObject> {
    const written = this.store.put(kind.id, object);
    if (kind.id === 'ServiceCIDR') this.#addresses.cidrs.settle();
    return written;
  }

  #take(kind: Kind, object: ApiObject): Promise<ApiObject> {
    const removed = this.store.remove(kind.id, object);
    if (kind.id === 'Service') this.#addresses.release(object);
    if (kind.id === 'IPAddress') this.#addresses.restore(object);
    if (RELEASES.has(kind.id)) this.#addresses.cidrs.settle();
    return removed;
  }

  #requireNamespace(kind: Kind, { metadata }: ApiObject): void {
    if (!kind.namespaced) return;
    const name = metadata.namespace ?? '';
    const namespace = this.store.latest('Namespace', name);
    if (!namespace) throw notFound(NAMESPACE, name);
    if (!namespace.metadata.deletionTimestamp) return;
    const cause: StatusCause = {
      reason: 'NamespaceTerminating',
      message: `namespace ${name} is being terminated`,
      field: 'metadata.namespace',
    };
    const why = `unable to create new content in namespace ${name} because it is being terminated`;
    throw forbidden(kind, metadata.name ?? '', why, [cause]);
  }
}

interface BoundStatus {
  readonly conditions?: readonly { readonly type?: string }[];
  readonly nominatedNodeName?: string;
}

interface Draft {
  readonly draft: ApiObject;
  readonly options: WriteOptions;
}

interface Change {
  /** Absent when it is deleted. */
  readonly object?: ApiObject;
  /** Absent when it is new. */
  readonly old?: ApiObject;
}

interface Admitted {
  readonly object: ApiObject;
  commit(): void;
}

const admitted = (object: ApiObject): Admitted => ({ object, commit: () => {} });

export function keyFor(kind: Kind, namespace: string | undefined, name: string): string {
  return kind.namespaced ? `${namespace ?? ''}/${name}` : name;
}

function withName(draft: ApiObject, isTaken: (name: string) => boolean): ApiObject {
  const { name, generateName } = draft.metadata;
  if (name || !generateName) return draft;
  return { ...draft, metadata: { ...draft.metadata, name: generatedName(generateName, isTaken) } };
}

/** Strategic, merge and JSON patches report as the Kubernetes server does for a field called `patch`. */
function undecodable(kind: Kind, why: string, { patch }: WriteOptions): Error {
  if (patch === undefined)
    return badRequest(`${kind.kind} in version "${kind.version}" cannot be handled as a ${kind.kind}: ${why}`);
  const cause = {
    reason: 'FieldValueInvalid',
    message: `Invalid value: ${JSON.stringify(patch)}: ${why}`,
    field: 'patch',
  };
  return failure(422, 'Invalid', ` "" is invalid: ${cause.field}: ${cause.message}`, { causes: [cause] });
}

/** For callers that treat "not there" as an answer. */
export function isNotFound(error: unknown): boolean {
  return statusOf(error)?.code === 404;
}
