import type { Environment } from '@marcbachmann/cel-js';
import { newEnvironment } from '../custom/cel/environment.ts';
import { compile } from '../custom/cel/rule.ts';
import type { ApiObject } from '../seam.ts';
import { registerAuthorizer } from './cel-authorizer.ts';
import { registerPatchTypes } from './mutations/patch-values.ts';

/** What expressions see, by the names they have for it. */
export type Facts = Readonly<Record<string, unknown>>;

export interface Expression {
  readonly text: string;
  /** Throws errors of the library. */
  readonly run: (facts: Facts) => unknown;
}

export interface Validation extends Expression {
  readonly message: string | undefined;
  readonly messageOf: Expression | undefined;
  readonly reason: string;
}

/** The expressions of a policy that are sound. */
export interface PolicyExpressions {
  readonly conditions: readonly Expression[];
  readonly variables: readonly (Expression & { readonly name: string })[];
  readonly validations: readonly Validation[];
  readonly annotations: readonly AuditAnnotation[];
  readonly mutations: readonly Mutation[];
}

export interface Mutation extends Expression {
  readonly patchType: string;
}

export interface AuditAnnotation extends Expression {
  readonly key: string;
}

/** An expression that is not: `spec.validations[0].expression`. */
export interface ExpressionFault {
  readonly field: string;
  readonly text: string;
  readonly why: string;
}

/** As far as it has expressions. */
export interface PolicySpec {
  readonly matchConditions?: readonly { readonly expression: string }[];
  readonly variables?: readonly { readonly name: string; readonly expression: string }[];
  readonly validations?: readonly {
    readonly expression: string;
    readonly message?: string;
    readonly messageExpression?: string;
    readonly reason?: string;
  }[];
  readonly mutations?: readonly {
    readonly patchType: string;
    readonly applyConfiguration?: { readonly expression?: string };
    readonly jsonPatch?: { readonly expression?: string };
  }[];
  readonly auditAnnotations?: readonly { readonly key: string; readonly valueExpression: string }[];
}

const REQUEST = ['object', 'oldObject', 'request'];
const POLICY = [...REQUEST, 'params', 'namespaceObject', 'variables'];
/** Messages are not about who may do what. */
const messageEnvironment = lazyEnvironment(() => withVariables(newEnvironment(), POLICY));
const policyEnvironment = lazyEnvironment(() => withAuthorizer(POLICY));
const mutationEnvironment = lazyEnvironment(() => {
  const environment = withAuthorizer(POLICY);
  registerPatchTypes(environment);
  return environment;
});
const conditionEnvironment = lazyEnvironment(() => withAuthorizer(REQUEST));
const known = new WeakMap<ApiObject, PolicyExpressions>();

/** What is said of an expression that cannot be evaluated. */
export function evaluationFailure(text: string, error: unknown): string {
  return `expression '${text.trim()}' resulted in error: ${failureText(error)}`;
}

/** Without what the library says of where it was. */
export function failureText(error: unknown): string {
  const { summary, message } = error as { summary?: string; message?: string };
  return (summary ?? message ?? String(error)).replace(/^N(?=o such key)/, 'n');
}

/** Those of a stored policy. */
export function expressionsOf(policy: ApiObject): PolicyExpressions {
  const expressions = known.get(policy) ?? compilePolicy(policy.spec as PolicySpec).expressions;
  known.set(policy, expressions);
  return expressions;
}

type Wanted = 'bool' | 'string' | 'any';

/** Compiles one after the other, and tells of those that cannot be. */
function compiler(shared: Environment) {
  const faults: ExpressionFault[] = [];
  const one = (field: string, text: string, wanted: Wanted, environment = shared): Expression[] => {
    const compiled = compile(environment, text, wanted);
    if ('run' in compiled) return [{ text, run: (facts) => compiled.run(facts as Record<string, unknown>) }];
    faults.push({ field, text, why: compiled.why });
    return [];
  };
  const mutation = (field: string, text: string, types: readonly string[]): Expression[] => {
    const compiled = compile(mutationEnvironment(), text, 'any');
    if ('why' in compiled || types.includes(compiled.type)) return one(field, text, 'any', mutationEnvironment());
    faults.push({ field, text, why: `must evaluate to ${types[0]}` });
    return [];
  };
  return { faults, one, mutation };
}

/** What each kind of patch may evaluate to, the name it has first. */
const PATCH_TYPES = {
  ApplyConfiguration: ['Object', 'dyn'],
  JSONPatch: ['list(JSONPatch)', 'list<JSONPatch>', 'list<T>', 'dyn'],
} as const;

/** The conditions of a webhook: `matchConditions[0].expression` below it. */
export function compileConditions(conditions: readonly { readonly expression: string }[]) {
  const { faults, one } = compiler(conditionEnvironment());
  const compiled = conditions.map((part, index) =>
    one(`matchConditions[${index}].expression`, part.expression, 'bool'),
  );
  return { expressions: compiled.flat(), faults };
}

/** All that can be compiled, and what is wrong with the rest. */
export function compilePolicy(spec: PolicySpec) {
  const { matchConditions = [], variables = [], validations = [], auditAnnotations = [], mutations = [] } = spec;
  const { faults, one, mutation } = compiler(policyEnvironment());
  const expressions: PolicyExpressions = {
    conditions: matchConditions.flatMap((part, index) =>
      one(`spec.matchConditions[${index}].expression`, part.expression, 'bool'),
    ),
    variables: variables.flatMap(({ name, expression }, index) =>
      one(`spec.variables[${index}].expression`, expression, 'any').map((found) => ({ ...found, name })),
    ),
    mutations: mutations.flatMap(({ patchType, applyConfiguration, jsonPatch }, index) => {
      const isMerged = patchType === 'ApplyConfiguration';
      const field = `spec.mutations[${index}].${isMerged ? 'applyConfiguration' : 'jsonPatch'}.expression`;
      const { expression = '' } = (isMerged ? applyConfiguration : jsonPatch) ?? {};
      if (expression.trim() === '') return [];
      const types = PATCH_TYPES[isMerged ? 'ApplyConfiguration' : 'JSONPatch'];
      return mutation(field, expression, types).map((found) => ({ ...found, patchType }));
    }),
    annotations: auditAnnotations.flatMap(({ key, valueExpression }, index) =>
      one(`spec.auditAnnotations[${index}].valueExpression`, valueExpression, 'any').map((found) => ({
        ...found,
        key,
      })),
    ),
    validations: validations.flatMap(({ expression, messageExpression, message, reason = 'Invalid' }, index) => {
      const at = `spec.validations[${index}]`;
      const [messageOf] =
        messageExpression === undefined
          ? []
          : one(`${at}.messageExpression`, messageExpression, 'string', messageEnvironment());
      return one(`${at}.expression`, expression, 'bool').map((found) => ({ ...found, message, messageOf, reason }));
    }),
  };
  return { expressions, faults };
}

function withAuthorizer(names: readonly string[]): Environment {
  const environment = withVariables(newEnvironment(), names);
  registerAuthorizer(environment);
  return environment;
}

function withVariables(environment: Environment, names: readonly string[]): Environment {
  for (const name of names) environment.registerVariable(name, 'dyn');
  return environment;
}

function lazyEnvironment(make: () => Environment): () => Environment {
  let environment: Environment | undefined;
  return () => {
    environment ??= make();
    return environment;
  };
}
