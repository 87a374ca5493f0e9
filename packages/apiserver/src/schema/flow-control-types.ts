import type { TypeTable } from './notation.ts';

const CONDITION = 'lastTransitionTime:time message reason status type';

/** flowcontrol.apiserver.k8s.io/v1. */
export const FLOW_CONTROL_TYPES: TypeTable = {
  FlowSchema: 'TypeMeta spec:FlowSchemaSpec status:FlowSchemaStatus',
  FlowSchemaSpec: `distinguisherMethod:FlowDistinguisherMethod matchingPrecedence:int32=1000
    priorityLevelConfiguration+:PriorityLevelConfigurationReference rules:PolicyRulesWithSubjects[]`,
  FlowDistinguisherMethod: 'type*(ByNamespace|ByUser)',
  PriorityLevelConfigurationReference: 'name*',
  PolicyRulesWithSubjects: `nonResourceRules:NonResourcePolicyRule[] resourceRules:ResourcePolicyRule[]
    subjects*:Subject[]`,
  NonResourcePolicyRule: 'nonResourceURLs*:string[]@set verbs*:string[]@set',
  ResourcePolicyRule: `apiGroups*:string[]@set clusterScope:bool namespaces:string[]@set resources*:string[]@set
    verbs*:string[]@set`,
  Subject: `group:GroupSubject kind*(Group|ServiceAccount|User) serviceAccount:ServiceAccountSubject
    user:UserSubject`,
  GroupSubject: 'name*',
  ServiceAccountSubject: 'name* namespace*',
  UserSubject: 'name*',
  FlowSchemaStatus: 'conditions:FlowSchemaCondition[]@type',
  FlowSchemaCondition: CONDITION,
  PriorityLevelConfiguration: `TypeMeta spec:PriorityLevelConfigurationSpec
    status:PriorityLevelConfigurationStatus`,
  PriorityLevelConfigurationSpec: `exempt:ExemptPriorityLevelConfiguration
    limited:LimitedPriorityLevelConfiguration type*(Exempt|Limited)`,
  ExemptPriorityLevelConfiguration: 'lendablePercent:int32=0 nominalConcurrencyShares:int32=0',
  LimitedPriorityLevelConfiguration: `borrowingLimitPercent:int32 lendablePercent:int32=0 limitResponse:LimitResponse
    nominalConcurrencyShares:int32=30`,
  LimitResponse: 'queuing:QueuingConfiguration type*(Queue|Reject)',
  QueuingConfiguration: 'handSize:int32=8 queueLengthLimit:int32=50 queues:int32=64',
  PriorityLevelConfigurationStatus: 'conditions:PriorityLevelConfigurationCondition[]@type',
  PriorityLevelConfigurationCondition: CONDITION,
};
