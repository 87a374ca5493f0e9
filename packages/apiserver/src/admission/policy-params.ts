import { type LabelSelector, selectorMatches } from '@podwire/base';
import type { Kind } from '@podwire/kube';
import { fromStored } from '../core/conversion.ts';
import type { KindRegistry } from '../core/kind-registry.ts';
import type { Store } from '../core/store.ts';
import type { ApiObject } from '../seam.ts';

export interface ParamKind {
  readonly apiVersion?: string;
  readonly kind?: string;
}

export interface ParamRef {
  readonly name?: string;
  readonly namespace?: string;
  readonly selector?: LabelSelector;
  readonly parameterNotFoundAction?: string;
}

/** What a policy with a binding asks for, about something in a namespace (empty for none). */
export interface ParamSource {
  readonly paramKind?: ParamKind | undefined;
  readonly paramRef?: ParamRef | undefined;
  readonly namespace: string;
}

/** What a policy is tried with, each once: null where it has no parameter. Or why it cannot be. */
export type Params = readonly (ApiObject | null)[] | { readonly why: string };

/** Objects that policies take values from. */
export class PolicyParams {
  readonly #store: Store;
  readonly #kinds: KindRegistry;

  constructor(store: Store, kinds: KindRegistry) {
    this.#store = store;
    this.#kinds = kinds;
  }

  of({ paramKind, paramRef, namespace }: ParamSource): Params {
    if (!paramKind || !paramRef) return [null];
    const { apiVersion = '', kind: name = '' } = paramKind;
    const kind = this.#kinds.named(apiVersion, name);
    if (!kind) return { why: `paramKind kind \`${apiVersion}, Kind=${name}\` not known` };
    if (paramRef.namespace && !kind.namespaced)
      return { why: 'paramRef.namespace must not be provided for a cluster-scoped `paramKind`' };
    const within = paramRef.namespace || namespace;
    if (kind.namespaced && !within)
      return { why: 'cannot use namespaced paramRef in policy binding that matches cluster-scoped resources' };
    const found = this.#find(kind, within, paramRef).map((object) => fromStored(kind, object, apiVersion));
    if (found.length > 0 || paramRef.parameterNotFoundAction !== 'Deny') return found;
    return { why: 'no params found for policy binding with `Deny` parameterNotFoundAction' };
  }

  #find(kind: Kind, namespace: string, { name, selector = {} }: ParamRef): readonly ApiObject[] {
    if (name) {
      const object = this.#store.latest(kind.id, kind.namespaced ? `${namespace}/${name}` : name);
      return object ? [object] : [];
    }
    const all = kind.namespaced ? this.#store.latestIn(kind.id, namespace) : this.#store.latestOf(kind.id);
    return all.filter(({ metadata }) => selectorMatches(selector, metadata.labels));
  }
}
