import type { TypeTable } from './notation.ts';

const WEBHOOK = `admissionReviewVersions*:string[] clientConfig+:WebhookClientConfig failurePolicy(Fail|Ignore)=Fail
  matchConditions:MatchCondition[]@name matchPolicy(Equivalent|Exact)=Equivalent name* namespaceSelector:LabelSelector={}
  objectSelector:LabelSelector={} rules:RuleWithOperations[] sideEffects*(None|NoneOnDryRun|Some|Unknown)
  timeoutSeconds:int32=10`;
const RULE = `apiGroups:string[] apiVersions:string[] operations:string[] resources:string[]
  scope(*|Cluster|Namespaced)=*`;

/** admissionregistration.k8s.io/v1. */
export const ADMISSION_TYPES: TypeTable = {
  ValidatingWebhookConfiguration: 'TypeMeta webhooks:ValidatingWebhook[]@name',
  ValidatingWebhook: WEBHOOK,
  MutatingWebhookConfiguration: 'TypeMeta webhooks:MutatingWebhook[]@name',
  MutatingWebhook: `${WEBHOOK} reinvocationPolicy(IfNeeded|Never)=Never`,
  WebhookClientConfig: 'caBundle:bytes service:ServiceReference url',
  ServiceReference: 'name* namespace* path port:int32=443',
  MatchCondition: 'expression* name*',
  RuleWithOperations: RULE,

  ValidatingAdmissionPolicy: 'TypeMeta spec:ValidatingAdmissionPolicySpec status:ValidatingAdmissionPolicyStatus',
  ValidatingAdmissionPolicySpec: `auditAnnotations:AuditAnnotation[] failurePolicy(Fail|Ignore)=Fail
    matchConditions:MatchCondition[]@name matchConstraints:MatchResources paramKind:ParamKind validations:Validation[]
    variables:Variable[]@name`,
  AuditAnnotation: 'key* valueExpression*',
  MatchResources: `excludeResourceRules:NamedRuleWithOperations[] matchPolicy(Equivalent|Exact)=Equivalent
    namespaceSelector:LabelSelector={} objectSelector:LabelSelector={} resourceRules:NamedRuleWithOperations[]`,
  NamedRuleWithOperations: `${RULE} resourceNames:string[]`,
  ParamKind: 'apiVersion kind',
  Validation: 'expression* message messageExpression reason',
  Variable: 'expression* name*',
  ValidatingAdmissionPolicyStatus: `conditions:Condition[]@type-nopatch observedGeneration:int64
    typeChecking:TypeChecking`,
  TypeChecking: 'expressionWarnings:ExpressionWarning[]',
  ExpressionWarning: 'fieldRef+ warning+',
  ValidatingAdmissionPolicyBinding: 'TypeMeta spec+:ValidatingAdmissionPolicyBindingSpec',
  ValidatingAdmissionPolicyBindingSpec: `matchResources:MatchResources paramRef:ParamRef policyName*
    validationActions*:string[]@set`,

  MutatingAdmissionPolicy: 'TypeMeta spec:MutatingAdmissionPolicySpec',
  MutatingAdmissionPolicySpec: `failurePolicy(Fail|Ignore)=Fail matchConditions:MatchCondition[]@name
    matchConstraints:MatchResources mutations:Mutation[] paramKind:ParamKind reinvocationPolicy(IfNeeded|Never)
    variables:Variable[]`,
  Mutation: 'applyConfiguration:ApplyConfiguration jsonPatch:JSONPatch patchType*(ApplyConfiguration|JSONPatch)',
  ApplyConfiguration: 'expression',
  JSONPatch: 'expression',
  MutatingAdmissionPolicyBinding: 'TypeMeta spec:MutatingAdmissionPolicyBindingSpec',
  MutatingAdmissionPolicyBindingSpec: 'matchResources:MatchResources paramRef:ParamRef policyName',
  ParamRef: 'name namespace parameterNotFoundAction(Allow|Deny) selector:LabelSelector',
};
