import type { FieldErrors } from '../schema/field-errors.ts';
import { validateLabelSelector } from '../schema/metadata-validation.ts';
import { compilePolicy, type PolicySpec } from './policy-expressions.ts';
import type { ParamKind, ParamRef } from './policy-params.ts';
import type { MatchResources } from './resource-match.ts';

interface Scope {
  readonly matchConstraints?: MatchResources;
  readonly paramKind?: ParamKind;
}

interface AdmissionPolicy {
  readonly spec?: PolicySpec & Scope;
}

interface MutatingPolicy {
  readonly spec?: PolicySpec & Scope & { readonly reinvocationPolicy?: string };
}

interface PolicyBinding {
  readonly spec?: {
    readonly policyName?: string;
    readonly matchResources?: MatchResources;
    readonly paramRef?: ParamRef;
    readonly validationActions?: readonly string[];
  };
}

const ACTIONS = ['Audit', 'Deny', 'Warn'];

export function validateAdmissionPolicy({ spec = {} }: AdmissionPolicy, errors: FieldErrors): void {
  const { validations = [], auditAnnotations = [] } = spec;
  validateScope(spec, errors);
  if (validations.length + auditAnnotations.length === 0) {
    for (const field of ['validations', 'auditAnnotations'])
      errors.required(`spec.${field}`, 'validations or auditAnnotations must contain at least one item');
  }
  for (const { field, text, why } of compilePolicy(spec).faults) errors.invalid(field, text, why);
}

function validateScope({ matchConstraints, paramKind }: Scope, errors: FieldErrors): void {
  for (const field of ['apiVersion', 'kind'] as const)
    if (paramKind && !paramKind[field]) errors.required(`spec.paramKind.${field}`);
  if (!matchConstraints) errors.required('spec.matchConstraints');
  else if (!matchConstraints.resourceRules?.length) errors.required('spec.matchConstraints.resourceRules');
  validateSelectors(matchConstraints, 'spec.matchConstraints', errors);
}

export function validateMutatingPolicy({ spec = {} }: MutatingPolicy, errors: FieldErrors): void {
  const { mutations = [], reinvocationPolicy, matchConstraints } = spec;
  validateScope(spec, errors);
  validateOperations(matchConstraints, 'spec.matchConstraints', errors);
  if (!reinvocationPolicy) errors.required('spec.reinvocationPolicy');
  if (mutations.length === 0) errors.required('spec.mutations', 'mutations must contain at least one item');
  for (const [index, mutation] of mutations.entries()) {
    const { patchType } = mutation;
    const member = patchType === 'ApplyConfiguration' ? 'applyConfiguration' : 'jsonPatch';
    const at = `spec.mutations[${index}].${member}`;
    if (patchType && !mutation[member]) errors.required(at, `must be specified when patchType is ${patchType}`);
    else if (patchType && !mutation[member]?.expression?.trim())
      errors.required(`${at}.expression`, 'expression is not specified');
  }
  for (const { field, text, why } of compilePolicy(spec).faults) errors.invalid(field, text, why);
}

export function validateMutatingBinding({ spec = {} }: PolicyBinding, errors: FieldErrors): void {
  const { policyName, matchResources, paramRef } = spec;
  if (!policyName) errors.required('spec.policyName');
  if (paramRef) validateParamRef(paramRef, errors);
  validateSelectors(matchResources, 'spec.matchResources', errors);
  validateOperations(matchResources, 'spec.matchResources', errors);
}

/** What is deleted cannot be changed. */
function validateOperations(match: MatchResources | undefined, at: string, errors: FieldErrors): void {
  for (const [index, { operations = [] }] of (match?.resourceRules ?? []).entries()) {
    if (operations.includes('DELETE'))
      errors.unsupported(`${at}.resourceRules[${index}].operations`, 'DELETE', ['*', 'CONNECT', 'CREATE', 'UPDATE']);
  }
}

export function validatePolicyBinding({ spec = {} }: PolicyBinding, errors: FieldErrors): void {
  const { matchResources, paramRef, validationActions: actions = [] } = spec;
  if (paramRef) validateParamRef(paramRef, errors);
  const at = 'spec.validationActions';
  if (actions.length === 0) errors.required(at, 'at least one validation action is required');
  actions.forEach((action, index) => {
    if (!ACTIONS.includes(action)) errors.unsupported(at, action, ACTIONS);
    if (actions.indexOf(action) < index) errors.duplicate(`${at}[${index}]`, action);
  });
  if (actions.includes('Deny') && actions.includes('Warn'))
    errors.invalid(at, actions, 'must not contain both Deny and Warn (a failure is told once)');
  validateSelectors(matchResources, 'spec.matchResources', errors);
}

function validateParamRef({ name, selector, parameterNotFoundAction }: ParamRef, errors: FieldErrors): void {
  const at = 'spec.paramRef';
  if (name && selector) errors.forbidden(`${at}.name`, 'name and selector are mutually exclusive');
  if (!name && !selector) errors.required(at, 'one of name or selector must be specified');
  if (!parameterNotFoundAction) errors.required(`${at}.parameterNotFoundAction`);
  validateLabelSelector(selector as Parameters<typeof validateLabelSelector>[0], `${at}.selector`, errors);
}

function validateSelectors(match: MatchResources | undefined, at: string, errors: FieldErrors): void {
  for (const field of ['namespaceSelector', 'objectSelector'] as const)
    validateLabelSelector(match?.[field] as Parameters<typeof validateLabelSelector>[0], `${at}.${field}`, errors);
}
