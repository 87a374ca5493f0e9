import type { NumberTable } from './message.ts';

/** admissionregistration.k8s.io/v1. */
export const ADMISSION_NUMBERS: NumberTable = {
  MutatingWebhookConfiguration: 'metadata webhooks',
  MutatingWebhook: `name clientConfig rules failurePolicy? namespaceSelector sideEffects? timeoutSeconds?
    admissionReviewVersions matchPolicy? reinvocationPolicy? objectSelector matchConditions`,
  WebhookClientConfig: 'service caBundle url?',
  ServiceReference: 'namespace name path? port?',
  RuleWithOperations: 'operations >Rule',
  Rule: 'apiGroups apiVersions resources scope?',
  MatchCondition: 'name expression',
  ValidatingWebhookConfiguration: 'metadata webhooks',
  ValidatingWebhook: `name clientConfig rules failurePolicy? namespaceSelector sideEffects? timeoutSeconds?
    admissionReviewVersions matchPolicy? objectSelector matchConditions`,
  ValidatingAdmissionPolicy: 'metadata spec status',
  ValidatingAdmissionPolicySpec: `paramKind matchConstraints validations failurePolicy? auditAnnotations
    matchConditions variables`,
  ParamKind: 'apiVersion kind',
  MatchResources: 'namespaceSelector objectSelector resourceRules excludeResourceRules 7 matchPolicy?',
  NamedRuleWithOperations: 'resourceNames >RuleWithOperations',
  Validation: 'expression message reason? messageExpression',
  AuditAnnotation: 'key valueExpression',
  Variable: 'name expression',
  ValidatingAdmissionPolicyStatus: 'observedGeneration typeChecking conditions',
  TypeChecking: 'expressionWarnings',
  ExpressionWarning: '2 fieldRef warning',
  ValidatingAdmissionPolicyBinding: 'metadata spec',
  ValidatingAdmissionPolicyBindingSpec: 'policyName paramRef matchResources validationActions',
  MutatingAdmissionPolicy: 'metadata spec',
  MutatingAdmissionPolicySpec: `paramKind matchConstraints variables mutations failurePolicy? matchConditions
    reinvocationPolicy`,
  Mutation: '2 patchType applyConfiguration jsonPatch',
  ApplyConfiguration: 'expression',
  JSONPatch: 'expression',
  MutatingAdmissionPolicyBinding: 'metadata spec',
  MutatingAdmissionPolicyBindingSpec: 'policyName paramRef matchResources',
  ParamRef: 'name namespace selector parameterNotFoundAction?',
};
