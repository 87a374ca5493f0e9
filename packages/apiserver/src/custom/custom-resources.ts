import { equalJson, KINDS, type Kind, type KindId } from '@podwire/kube';
import type { CustomResourceDefinitionNames } from 'kubernetes-types/apiextensions/v1.js';
import type { KindRegistry } from '../core/kind-registry.ts';
import { timestamp } from '../core/lifecycle.ts';
import { failure } from '../core/status.ts';
import type { Store } from '../core/store.ts';
import type { ApiObject } from '../seam.ts';
import { acceptNames, namesConditions, withCondition } from './definition/accepted-names.ts';
import { APPROVED, approvalCondition, approvalOf } from './definition/api-approval.ts';
import { asDefinition, type CustomDefinition, definitionOf } from './definition/definition.ts';

export const DEFINITION = 'CustomResourceDefinition';
export const CLEANUP = 'customresourcecleanup.apiextensions.k8s.io';

/** The custom resources a server serves: follows the CustomResourceDefinitions in the store. */
export class CustomResources {
  readonly #store: Store;
  readonly #kinds: KindRegistry;
  readonly #definitions = new Map<KindId, CustomDefinition>();
  readonly #served = new Map<KindId, { readonly spec: object; readonly end: AbortController }>();
  readonly #stop: (() => void) | undefined;

  constructor(store: Store, kinds: KindRegistry) {
    this.#store = store;
    this.#kinds = kinds;
    for (const object of store.latestOf(DEFINITION)) this.#serve(object);
    this.#stop = store.watch(DEFINITION, store.revision, ({ type, object }) => {
      if (type === 'DELETED') this.#withdraw(object);
      else this.#serve(object);
    });
  }

  stop(): void {
    this.#stop?.();
  }

  all(): Iterable<CustomDefinition> {
    return this.#definitions.values();
  }

  definition(id: KindId): CustomDefinition | undefined {
    return this.#definitions.get(id);
  }

  /** Throws 405 for a kind whose definition is being deleted. */
  requireLiving({ id }: Kind): void {
    if (!this.#definitions.get(id)?.terminating) return;
    const why = 'create not allowed while custom resource definition is terminating';
    throw failure(405, 'MethodNotAllowed', why, {});
  }

  /** A definition as the server keeps it: with what became of its names, and protected from deletion. */
  admit(object: ApiObject): ApiObject {
    const { metadata, spec, status } = asDefinition(object);
    if (metadata.deletionTimestamp) return object;
    const others = this.#namesOfOthers(metadata.name ?? '', spec.group);
    const { acceptedNames, conflict } = acceptNames(spec.names, status?.acceptedNames, others);
    const now = timestamp();
    const named = namesConditions(conflict, status?.conditions ?? [], now);
    const approval = approvalOf(spec.group, metadata.annotations?.[APPROVED]);
    const conditions = approval ? withCondition(named, approvalCondition(approval), now) : named;
    const stored = spec.versions.filter(({ storage }) => storage).map(({ name }) => name);
    const storedVersions = [...new Set([...(status?.storedVersions ?? []), ...stored])];
    const finalizers = [...new Set([...(metadata.finalizers ?? []), CLEANUP])];
    const next = { ...status, conditions, acceptedNames, storedVersions };
    return { ...object, metadata: { ...metadata, finalizers }, status: next };
  }

  /** Names in a group that a definition cannot have: those of other definitions, and of kinds that are built in. */
  #namesOfOthers(name: string, group: string): readonly CustomResourceDefinitionNames[] {
    const defined = this.#store
      .latestOf(DEFINITION)
      .filter((other) => other.metadata.name !== name && asDefinition(other).spec.group === group)
      .flatMap((other) => asDefinition(other).status?.acceptedNames ?? []);
    const builtIn = KINDS.filter(({ apiVersion, otherVersions }) =>
      [apiVersion, ...otherVersions].some((version) => version.startsWith(`${group}/`)),
    );
    return [...defined, ...builtIn.map(({ plural, kind }) => ({ plural, kind }))];
  }

  #serve(object: ApiObject): void {
    const definition = isEstablished(object) ? definitionOf(object) : undefined;
    if (definition) {
      this.#endWatches(definition.kind.id, asDefinition(object).spec);
      this.#definitions.set(definition.kind.id, definition);
      this.#kinds.add(definition.kind);
    } else {
      this.#forget(idOf(object));
    }
  }

  /** Aborted when objects of the kind are not what they were, or no longer served: watches end then. */
  served(id: KindId): AbortSignal | undefined {
    return this.#served.get(id)?.end.signal;
  }

  /** Unless the kind is still what `spec` says. */
  #endWatches(id: KindId, spec?: object): void {
    const served = this.#served.get(id);
    if (served && spec && equalJson(served.spec, spec)) return;
    if (spec) this.#served.set(id, { spec, end: new AbortController() });
    else this.#served.delete(id);
    served?.end.abort();
  }

  #withdraw(object: ApiObject): void {
    this.#forget(idOf(object));
    // Others may have waited for its names.
    for (const other of this.#store.latestOf(DEFINITION)) {
      const admitted = this.admit(other);
      if (!equalJson(admitted, other)) this.#store.put(DEFINITION, admitted).catch(ignore);
    }
  }

  #forget(id: KindId): void {
    if (this.#definitions.delete(id)) this.#kinds.remove(id);
    this.#endWatches(id);
  }
}

function idOf(object: ApiObject): KindId {
  const { spec } = asDefinition(object);
  return `${spec.names.plural}.${spec.group}`;
}

function isEstablished(object: ApiObject): boolean {
  const { conditions = [] } = asDefinition(object).status ?? {};
  return conditions.some(({ type, status }) => type === 'Established' && status === 'True');
}

/** The server refuses all writes once one has failed, and tells whoever asks. */
function ignore(): void {}
