import type { ApiObject } from '../seam.ts';
import { ANY, BOOL, ExpressionCompiler, JSON_PATCH, OBJECT, STRING, TEXT_OR_NULL } from './expression-compiler.ts';
import type { Scope } from './expression-environments.ts';

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

/** The expressions of a policy; those that are not sound fail when they are run. */
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
  /** Absent: there are no `params`. */
  readonly paramKind?: object;
  readonly validations?: readonly ValidationFields[];
  readonly mutations?: readonly MutationFields[];
  readonly auditAnnotations?: readonly { readonly key: string; readonly valueExpression: string }[];
}

interface ValidationFields {
  readonly expression: string;
  readonly message?: string;
  readonly messageExpression?: string;
  readonly reason?: string;
}

interface MutationFields {
  readonly patchType: string;
  readonly applyConfiguration?: { readonly expression?: string };
  readonly jsonPatch?: { readonly expression?: string };
}

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

/** The conditions of a webhook: `matchConditions[0].expression` below it. */
export function compileConditions(conditions: readonly { readonly expression: string }[]) {
  const compiler = new ExpressionCompiler();
  const scope = { authorizer: true };
  const expressions = conditions.map(({ expression }, index) =>
    compiler.compile(expression, { ...BOOL, field: `matchConditions[${index}].expression`, scope }),
  );
  return { expressions, faults: compiler.faults };
}

/** All expressions, and what is wrong with them. Variables are known to those after them, but not to conditions. */
export function compilePolicy(spec: PolicySpec) {
  const { matchConditions = [], variables = [], validations = [], auditAnnotations = [], mutations = [] } = spec;
  const compiler = new ExpressionCompiler();
  const outer = { authorizer: true, namespaceObject: true, params: spec.paramKind !== undefined };
  const scope = { ...outer, variables: true };
  const expressions: PolicyExpressions = {
    conditions: matchConditions.map(({ expression }, index) =>
      compiler.compile(expression, { ...BOOL, field: `spec.matchConditions[${index}].expression`, scope: outer }),
    ),
    variables: variables.map(({ name, expression }, index) => {
      const wanted = { ...ANY, field: `spec.variables[${index}].expression`, scope };
      return { ...compiler.addVariable(name, expression, wanted), name };
    }),
    mutations: mutations.flatMap((mutation, index) => compileMutation(compiler, { mutation, index, scope })),
    annotations: auditAnnotations.map(({ key, valueExpression }, index) => {
      const field = `spec.auditAnnotations[${index}].valueExpression`;
      return { ...compiler.compile(valueExpression, { ...TEXT_OR_NULL, field, scope }), key };
    }),
    validations: validations.map((validation, index) => compileValidation(compiler, { validation, index, scope })),
  };
  return { expressions, faults: compiler.faults };
}

interface Placed {
  readonly index: number;
  readonly scope: Scope;
}

function compileValidation(
  compiler: ExpressionCompiler,
  { validation, index, scope }: Placed & { readonly validation: ValidationFields },
): Validation {
  const { expression, messageExpression, message, reason = 'Invalid' } = validation;
  const at = `spec.validations[${index}]`;
  // Messages are not about who may do what.
  const inMessage = { ...STRING, field: `${at}.messageExpression`, scope: { ...scope, authorizer: false } };
  const messageOf = messageExpression === undefined ? undefined : compiler.compile(messageExpression, inMessage);
  return { ...compiler.compile(expression, { ...BOOL, field: `${at}.expression`, scope }), message, messageOf, reason };
}

function compileMutation(
  compiler: ExpressionCompiler,
  { mutation, index, scope }: Placed & { readonly mutation: MutationFields },
): readonly Mutation[] {
  const { patchType, applyConfiguration, jsonPatch } = mutation;
  const isMerged = patchType === 'ApplyConfiguration';
  const { expression = '' } = (isMerged ? applyConfiguration : jsonPatch) ?? {};
  if (expression.trim() === '') return [];
  const field = `spec.mutations[${index}].${isMerged ? 'applyConfiguration' : 'jsonPatch'}.expression`;
  const wanted = { ...(isMerged ? OBJECT : JSON_PATCH), field, scope: { ...scope, patches: true } };
  return [{ ...compiler.compile(expression, wanted), patchType }];
}
