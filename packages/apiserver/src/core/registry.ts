import { equalJson, type Kind, type KindId, kindNamed, statusOf } from '@podwire/kube';
import type { Status } from 'kubernetes-types/meta/v1.js';
import { AdmissionPolicies } from '../admission/admission-policies.ts';
import type { Attempt, Listener } from '../admission/attempt.ts';
import type { AdmissionWebhooks } from '../admission/webhooks/admission-webhooks.ts';
import { Authorizer } from '../authorization/authorizer.ts';
import { RbacIndex } from '../authorization/rbac-index.ts';
import type { CustomResources } from '../custom/custom-resources.ts';
import type { ApiObject, Schema } from '../seam.ts';
import { boundPod } from './bound-pod.ts';
import { requireAllowedSubject, withRequester } from './certificate-requests.ts';
import { completed } from './completion.ts';
import { decodedObject } from './decoded-object.ts';
import { checkPreconditions, markedForRemoval, type RemoveOptions } from './deletion.ts';
import type { Writer } from './field-owner.ts';
import { KindRegistry } from './kind-registry.ts';
import {
  finalizerCauses,
  generatedName,
  isReleased,
  isUnchanged,
  nameCauses,
  newObject,
  timestamp,
  withGeneration,
} from './lifecycle.ts';
import { withLimits } from './limit-ranges.ts';
import { entriesAfterUpdate, withManagedFields } from './managed-fields.ts';
import { requireNamespace } from './namespace-lifecycle.ts';
import { admittedPod } from './pod-admission.ts';
import type { ServiceAddresses } from './service-addresses.ts';
import { sharing } from './shared-parts.ts';
import {
  alreadyExists,
  badRequest,
  forbidden,
  invalid,
  modifiedMeanwhile,
  notFound,
  required,
  success,
} from './status.ts';
import { keyOf, type Store } from './store.ts';
import { type Candidate, WriteAdmission } from './write-admission.ts';
import { attemptOf, removalAttempt } from './write-attempt.ts';
import { changedPart, checkSame, type From, ROUNDS, toldOf } from './write-change.ts';
import type { Asker, BindOptions, Target, WriteOptions } from './write-options.ts';

const PODWIRE: Writer = { manager: 'podwire', operation: 'Update' };

export type { Asker, Target, WriteGuard, WriteOptions } from './write-options.ts';

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
  /** Absent: those that are built in. */
  readonly kinds?: KindRegistry;
  /** Absent: nobody is asked. */
  readonly webhooks?: AdmissionWebhooks | undefined;
  /** Absent: one of its own, by the roles in the store. */
  readonly authorizer?: Authorizer;
}

/**
 * The verbs on stored objects. From reading the stored object to staging the new one nothing awaits, so no write can
 * come in between (where webhooks were asked, it is read again); promises resolve when the write is durable. Failures are
 * Status errors.
 */
export class Registry {
  readonly store: Store;
  readonly #schema: Schema;
  readonly #addresses: ServiceAddresses;
  readonly #admission: WriteAdmission;
  readonly #custom: CustomResources | undefined;
  readonly #webhooks: AdmissionWebhooks | undefined;
  readonly #policies: AdmissionPolicies;

  constructor({
    store,
    schema,
    addresses,
    denyExternalIPs = false,
    custom,
    webhooks,
    kinds = new KindRegistry(),
    authorizer = new Authorizer(new RbacIndex(store)),
  }: RegistryParts) {
    this.#custom = custom;
    this.#webhooks = webhooks;
    this.#policies = new AdmissionPolicies(store, kinds, authorizer);
    this.store = store;
    this.#schema = schema;
    this.#addresses = addresses;
    this.#admission = new WriteAdmission({ store, addresses, denyExternalIPs, custom });
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
    const webhooks = this.#webhooksFor(kind, options);
    if (!webhooks) return this.#add(kind, this.#newcomer(kind, namespace, { draft, options }), options);
    const begun = this.#begun(kind, { ...draft, metadata: { ...draft.metadata, namespace } } as ApiObject);
    requireNamespace(this.store, kind, begun);
    const first = this.#decoded(kind, begun, options).object;
    const complete = this.#completer(kind, options);
    const mutated = await webhooks.mutate(attemptOf(kind, { object: first }, options), options, complete);
    const candidate = this.#newcomer(kind, namespace, { draft: mutated.object ?? first, options: toldOf(options) });
    const release = options.dryRun ? () => {} : candidate.hold();
    try {
      await webhooks.validate(attemptOf(kind, candidate, options), options);
      this.#custom?.requireLiving(kind);
      this.#requireVacant(kind, candidate.object);
      return this.#add(kind, candidate, options);
    } finally {
      release();
    }
  }

  /** PUT. `next` may carry a resourceVersion or uid to be checked. */
  async update(target: Target, next: ApiObject, options: WriteOptions): Promise<ApiObject> {
    return this.change(target, () => next, options);
  }

  /** Applies a function of the stored object; it may not change the argument. */
  async change(target: Target, make: (old: ApiObject) => ApiObject, options: WriteOptions): Promise<ApiObject> {
    const { kind, name } = target;
    const webhooks = this.#webhooksFor(kind, options);
    for (let round = 0; round < ROUNDS; round++) {
      const old = this.latest(target);
      const next = make(old);
      checkSame(target, next, old);
      if (!webhooks) return this.#settle(kind, this.#changed(kind, next, { old, options }), { old, options });
      const first = this.#decoded(kind, changedPart(kind, next, { old, options }), options, old).object;
      const complete = this.#completer(kind, options, old);
      const mutated = await webhooks.mutate(attemptOf(kind, { object: first, old }, options), options, complete);
      const candidate = this.#changed(kind, mutated.object ?? first, { old, options: toldOf(options) });
      const release = options.dryRun ? () => {} : candidate.hold();
      try {
        await webhooks.validate(attemptOf(kind, { object: candidate.object, old }, options), options);
        if (this.#isLatest(target, old)) return this.#settle(kind, candidate, { old, options });
      } finally {
        release();
      }
    }
    throw modifiedMeanwhile(kind, name);
  }

  /** The object as it is now when something still has to happen to it, else a Status. */
  async remove(target: Target, removal: RemoveOptions, dryRun: boolean, asker?: Asker): Promise<ApiObject | Status> {
    const { kind, name } = target;
    for (let round = 0; round < ROUNDS; round++) {
      const current = this.latest(target);
      if (kind.id === 'Namespace' && KEPT_NAMESPACES.has(name)) {
        throw forbidden(kind, name, 'this namespace may not be deleted');
      }
      checkPreconditions(kind, current, removal);
      const consulted = asker && this.#consultOn(removalAttempt(kind, { current, removal, dryRun }, asker), asker);
      if (consulted) await consulted;
      if (!consulted || this.#isLatest(target, current)) return this.#discard(kind, current, { removal, dryRun });
    }
    throw modifiedMeanwhile(kind, name);
  }

  /**
   * Lets policies and webhooks have their say in what is no change of a stored object by its own path: a deletion, a
   * Binding, a connection. Returns the object as they want it.
   */
  async consult(attempt: Attempt, listener: Listener): Promise<ApiObject | undefined> {
    const mutated = (await this.#consultOn(attempt, listener)) ?? attempt;
    return mutated.object;
  }

  /** Undefined when there is nobody to wait for. */
  #consultOn(attempt: Attempt, { warn = () => {}, annotate, aside }: Partial<Listener>): Promise<Attempt> | undefined {
    const listener = { warn, annotate, aside };
    const webhooks = this.#webhooks;
    if (!webhooks?.concern(attempt)) {
      this.#policies.check(attempt, listener);
      return undefined;
    }
    return webhooks
      .mutate(attempt, listener, (object) => object)
      .then(async (mutated) => {
        this.#policies.check(mutated, listener);
        await webhooks.validate(mutated, listener);
        return mutated;
      });
  }

  #discard(
    kind: Kind,
    current: ApiObject,
    { removal, dryRun }: { readonly removal: RemoveOptions; readonly dryRun: boolean },
  ): Promise<ApiObject | Status> {
    const next = markedForRemoval(kind, current, removal);
    const group = kind.group ? { group: kind.group } : {};
    const { name = '', uid = '' } = current.metadata;
    const gone = success({ name, ...group, kind: kind.plural, uid });
    if (dryRun) return Promise.resolve(isReleased(kind, next) ? gone : next);
    if (isReleased(kind, next)) return this.#take(kind, next).then(() => gone);
    if (equalJson(next, current)) return Promise.resolve(current);
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
    if (!nodeName) throw badRequest('target.name: Required value');
    if (uid) checkPreconditions(kind, pod, { preconditions: { uid } });
    const bound = boundPod(pod, nodeName);
    if (!dryRun) await this.store.put('Pod', bound);
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

  /** A new object as far as it does not depend on what there is of its kind. */
  #newcomer(kind: Kind, namespace: string | undefined, { draft, options }: Draft): Candidate {
    const isTaken = (name: string) => this.store.latest(kind.id, keyFor(kind, namespace, name)) !== undefined;
    const fresh = newObject(kind, withName(draft, isTaken), namespace);
    const isRequest = kind.id === 'CertificateSigningRequest' && options.user;
    const started = this.#begun(kind, isRequest ? withRequester(fresh, isRequest) : fresh);
    if (!started.metadata.name)
      throw invalid(kind, '', [required('metadata.name', 'name or generateName is required')]);
    const object = this.#recorded(kind, this.#checked(kind, started, options).object, options);
    this.#requireVacant(kind, object);
    if (kind.id === 'CertificateSigningRequest') requireAllowedSubject(kind, object);
    options.guard?.(kind, object);
    const candidate = this.#admission.allocated(kind, object, {});
    this.#checkPolicies(kind, candidate, options);
    return candidate;
  }

  #begun(kind: Kind, draft: ApiObject): ApiObject {
    const given = completed(kind, draft);
    return kind.id === 'Pod' ? withLimits(admittedPod(given, this.store), this.store) : given;
  }

  #requireVacant(kind: Kind, object: ApiObject): void {
    const { name = '' } = object.metadata;
    const isHeld = kind.id === 'IPAddress' && this.#addresses.isHeld(name);
    if (isHeld || this.store.latest(kind.id, keyOf(object))) throw alreadyExists(kind, name);
    requireNamespace(this.store, kind, object);
  }

  #add(kind: Kind, candidate: Candidate, options: WriteOptions): Promise<ApiObject> {
    return this.#write(kind, this.#admission.admit(kind, candidate, {}), options);
  }

  #changed(kind: Kind, next: ApiObject, { old, options }: From): Candidate {
    const merged = changedPart(kind, next, { old, options });
    const object = this.#recorded(kind, this.#checked(kind, merged, options, old).object, options, old);
    const causes = [...nameCauses(object, old), ...finalizerCauses(object, old)];
    if (causes.length > 0) throw invalid(kind, object.metadata.name ?? '', causes);
    options.guard?.(kind, object, old);
    const candidate = this.#admission.allocated(kind, object, { old, subresource: options.subresource });
    this.#checkPolicies(kind, { object: candidate.object, old }, options);
    return candidate;
  }

  #settle(kind: Kind, candidate: Candidate, { old, options }: From): Promise<ApiObject> {
    const object = withGeneration(kind, candidate.object, old);
    if (isReleased(kind, object) && !options.dryRun) return this.#take(kind, object);
    if (isUnchanged(object, old)) return Promise.resolve(old);
    const { subresource } = options;
    return this.#write(kind, this.#admission.admit(kind, { ...candidate, object }, { old, subresource }), options);
  }

  #isLatest({ kind, namespace, name }: Target, { metadata }: ApiObject): boolean {
    const { uid, resourceVersion } = this.store.latest(kind.id, keyFor(kind, namespace, name))?.metadata ?? {};
    return uid === metadata.uid && resourceVersion === metadata.resourceVersion;
  }

  /** With what this write changes as its writer's in metadata.managedFields; an apply has done that itself. */
  #recorded(kind: Kind, next: ApiObject, { writer = PODWIRE, subresource }: WriteOptions, old?: ApiObject): ApiObject {
    if (writer.operation === 'Apply' || (!old && writer === PODWIRE)) return next;
    if (old && !old.metadata.managedFields && !next.metadata.managedFields) return next;
    const owner = { subresource, ...writer, apiVersion: kind.apiVersion };
    const ruleAt = (path: readonly string[]) => this.#schema.mergeRule(kind, path);
    return withManagedFields(next, entriesAfterUpdate({ old, next, owner, ruleAt, now: timestamp() }));
  }

  #webhooksFor(kind: Kind, { user }: WriteOptions): AdmissionWebhooks | undefined {
    return user && this.#webhooks?.concern({ kind }) ? this.#webhooks : undefined;
  }

  /** Throws what policies deny. */
  #checkPolicies(kind: Kind, change: Change, options: WriteOptions): void {
    if (options.user) this.#policies.check(attemptOf(kind, change, options), options);
  }

  /** Gives what webhooks have changed its defaults. */
  #completer(kind: Kind, options: WriteOptions, old?: ApiObject): (object: ApiObject) => ApiObject {
    return (object) => this.#decoded(kind, object, { ...toldOf(options), fieldValidation: 'Ignore' }, old).object;
  }

  #decoded(kind: Kind, whole: ApiObject, options: WriteOptions, old?: ApiObject) {
    return decodedObject(this.#schema, kind, { whole, old }, options);
  }

  /** Defaults, unknown fields, invalid values. */
  #checked(kind: Kind, whole: ApiObject, options: WriteOptions, old?: ApiObject): { object: ApiObject } {
    const { object, warnings, causes } = this.#decoded(kind, whole, options, old);
    if (!options.subresource) for (const text of warnings) options.warn(text);
    if (causes.length > 0) throw invalid(kind, whole.metadata.name ?? '', causes);
    return { object: sharing(object, old) };
  }

  #write(kind: Kind, { object, commit }: Candidate, { dryRun }: WriteOptions): Promise<ApiObject> {
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
}

interface Draft {
  readonly draft: ApiObject;
  readonly options: WriteOptions;
}

interface Change {
  readonly object: ApiObject;
  /** Absent when it is new. */
  readonly old?: ApiObject;
}

export function keyFor(kind: Kind, namespace: string | undefined, name: string): string {
  return kind.namespaced ? `${namespace ?? ''}/${name}` : name;
}

function withName(draft: ApiObject, isTaken: (name: string) => boolean): ApiObject {
  const { name, generateName } = draft.metadata;
  if (name || !generateName) return draft;
  return { ...draft, metadata: { ...draft.metadata, name: generatedName(generateName, isTaken) } };
}

/** For callers that treat "not there" as an answer. */
export function isNotFound(error: unknown): boolean {
  return statusOf(error)?.code === 404;
}
