import { messageOf } from '@podwire/base';
import type { Kind, KindId } from '@podwire/kube';
import type { Authorizer } from '../../authorization/authorizer.ts';
import { toStored } from '../../core/conversion.ts';
import type { KindRegistry } from '../../core/kind-registry.ts';
import { isFailedTest, type JsonObject } from '../../core/patches.ts';
import { failure } from '../../core/status.ts';
import type { Store } from '../../core/store.ts';
import { Budget } from '../../custom/cel/budget.ts';
import type { ApiObject } from '../../seam.ts';
import { type Attempt, placeOf } from '../attempt.ts';
import { unmetCondition } from '../conditions.ts';
import { celValue, factsOf, versioned } from '../facts.ts';
import { evaluationFailure, expressionsOf, type Facts, type Mutation } from '../policy-expressions.ts';
import { POLICY_KINDS } from '../policy-kinds.ts';
import { type ParamKind, type ParamRef, PolicyParams } from '../policy-params.ts';
import { lazyVariables } from '../policy-variables.ts';
import { type MatchResources, matchedVersion } from '../resource-match.ts';
import { type FieldRules, withConfiguration } from './apply-configuration.ts';
import type { Mutator } from './mutation-chain.ts';
import { configurationOf, operationsOf } from './patch-values.ts';
import { patchedObject } from './patched-object.ts';

interface PolicyFields {
  readonly failurePolicy?: string;
  readonly matchConstraints?: MatchResources;
  readonly paramKind?: ParamKind;
  readonly reinvocationPolicy?: string;
}

interface BindingFields {
  readonly policyName?: string;
  readonly paramRef?: ParamRef;
  readonly matchResources?: MatchResources;
}

/** A policy and what binds it. */
interface Bound {
  readonly policy: ApiObject;
  readonly binding: ApiObject;
}

interface Invocation extends Bound {
  readonly param: ApiObject | null;
  readonly namespace: ApiObject | undefined;
  /** Gives an object its defaults. */
  readonly complete: (object: ApiObject) => ApiObject;
}

interface Parts {
  readonly store: Store;
  readonly kinds: KindRegistry;
  readonly schema: FieldRules;
  readonly authorizer: Authorizer;
}

const POLICY: KindId = 'MutatingAdmissionPolicy';
const BINDING: KindId = 'MutatingAdmissionPolicyBinding';
/** Of all expressions of a policy, for one parameter. */
const COST_LIMIT = 10_000_000;
/** Objects that are not of the kind: a Scale, a Binding. */
const NO_RULES: FieldRules = {
  mergeRule: () => undefined,
  validateAndDefault: (_, object) => ({ object, unknown: [], warnings: [], causes: [] }),
};

/** MutatingAdmissionPolicies that are bound, in order of their names and those of their bindings. */
export class MutatingPolicies {
  readonly #parts: Parts;
  readonly #params: PolicyParams;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.#params = new PolicyParams(parts.store, parts.kinds);
  }

  /** Whether any may have a say. */
  concern({ kind }: { readonly kind: Kind }): boolean {
    return this.#parts.store.size(BINDING) > 0 && !POLICY_KINDS.has(kind.id);
  }

  /** One for each policy, binding and parameter. */
  mutators(attempt: Attempt, complete: (object: ApiObject) => ApiObject): readonly Mutator[] {
    if (!this.concern(attempt) || !attempt.object) return [];
    const { namespace: name } = placeOf(attempt);
    const namespace = name ? this.#parts.store.latest('Namespace', name) : undefined;
    return this.#bound().flatMap((bound) => this.#invocations(bound, attempt, { namespace, complete }));
  }

  #bound(): readonly Bound[] {
    const found = this.#parts.store.latestOf(BINDING).flatMap((binding) => {
      const { policyName = '' } = (binding.spec ?? {}) as BindingFields;
      const policy = this.#parts.store.latest(POLICY, policyName);
      return policy ? [{ policy, binding }] : [];
    });
    const nameOf = ({ policy, binding }: Bound) => `${policy.metadata.name}/${binding.metadata.name}`;
    return found.sort((one, other) => (nameOf(one) < nameOf(other) ? -1 : 1));
  }

  #invocations(bound: Bound, attempt: Attempt, place: Pick<Invocation, 'namespace' | 'complete'>): readonly Mutator[] {
    const { paramKind, reinvocationPolicy } = bound.policy.spec as PolicyFields;
    const { paramRef } = bound.binding.spec as BindingFields;
    if (matchOf(bound, attempt, place.namespace) === undefined) return [];
    const isReinvoked = reinvocationPolicy === 'IfNeeded';
    const params = this.#params.of({ paramKind, paramRef, namespace: placeOf(attempt).namespace });
    if ('why' in params) {
      const why = `failed to configure binding: ${params.why}`;
      return [{ isReinvoked, mutate: (current) => void refuse(bound, current, { why, reason: 'Forbidden' }) }];
    }
    return params.map((param) => {
      const invocation = { ...bound, ...place, param };
      return { isReinvoked, mutate: (current) => this.#mutated(invocation, current) };
    });
  }

  /** Undefined when it has no say. */
  #mutated(invocation: Invocation, attempt: Attempt): ApiObject | undefined {
    const { policy, namespace, complete } = invocation;
    const apiVersion = matchOf(invocation, attempt, namespace);
    if (apiVersion === undefined) return undefined;
    const budget = new Budget(COST_LIMIT);
    const { conditions, mutations } = expressionsOf(policy);
    const unmet = unmetCondition(conditions, this.#facts(invocation, attempt, apiVersion), budget);
    if (unmet?.why !== undefined) refuse(invocation, attempt, { why: unmet.why, reason: 'Invalid' });
    if (unmet) return undefined;
    let current = attempt;
    for (const mutation of mutations) {
      try {
        const facts = this.#facts(invocation, current, apiVersion);
        const patch = budget.run(() => run(mutation, facts));
        const object = this.#patched(current, apiVersion, patch);
        if (object) current = { ...current, object: complete(object) };
      } catch (error) {
        refuse(invocation, attempt, { why: messageOf(error), reason: 'Invalid' });
      }
    }
    return current.object;
  }

  #facts({ policy, param, namespace }: Invocation, attempt: Attempt, apiVersion: string): Facts {
    const facts: Facts = {
      ...factsOf(attempt, apiVersion, this.#parts.authorizer),
      ...{ namespaceObject: celValue(namespace), params: celValue(param ?? undefined) },
    };
    const all: Facts = { ...facts, variables: lazyVariables(expressionsOf(policy), () => all) };
    return all;
  }

  /** Undefined when a test in a patch failed. */
  #patched(current: Attempt, apiVersion: string, patch: Patch): ApiObject | undefined {
    const { object, kind, owner } = current;
    if (!object) return undefined;
    const shown = versioned(current, object, apiVersion);
    const schema = owner ? NO_RULES : this.#parts.schema;
    try {
      const changed =
        'operations' in patch
          ? patchedObject(shown, patch.operations)
          : withConfiguration(shown, patch.configuration, { kind: { ...kind, apiVersion }, schema });
      return owner ? changed : toStored(kind, changed);
    } catch (error) {
      if (isFailedTest(error)) return undefined;
      throw error;
    }
  }
}

type Patch = { readonly operations: readonly object[] } | { readonly configuration: JsonObject };

function run(mutation: Mutation, facts: Facts): Patch {
  const value = evaluated(mutation, facts);
  return mutation.patchType === 'JSONPatch'
    ? { operations: operationsOf(value) }
    : { configuration: configurationOf(value) };
}

function evaluated({ text, run }: Mutation, facts: Facts): unknown {
  try {
    return run(facts);
  } catch (error) {
    throw new Error(evaluationFailure(text, error), { cause: error });
  }
}

/** The version an object is shown in; undefined when it is none of the policy's. */
function matchOf({ policy, binding }: Bound, attempt: Attempt, namespace: ApiObject | undefined): string | undefined {
  const { matchConstraints = {} } = policy.spec as PolicyFields;
  const { matchResources = {} } = binding.spec as BindingFields;
  const version = matchedVersion(matchConstraints, attempt, namespace);
  return matchedVersion(matchResources, attempt, namespace) === undefined ? undefined : version;
}

/** Throws what the writer is told, unless failures of the policy do not matter. */
function refuse(
  { policy, binding }: Bound,
  attempt: Attempt,
  { why, reason }: { readonly why: string; readonly reason: string },
): void {
  const { failurePolicy } = policy.spec as PolicyFields;
  if (failurePolicy === 'Ignore') return;
  const message = `policy '${policy.metadata.name}' with binding '${binding.metadata.name}' denied request: ${why}`;
  const { group, plural } = attempt.kind;
  const details = { name: placeOf(attempt).name, ...(group ? { group } : {}), kind: plural, causes: [{ message }] };
  throw failure(403, reason, message, details);
}
