import type { NumberTable } from './message.ts';

const CONDITION = 'type status lastTransitionTime reason message';

/** flowcontrol.apiserver.k8s.io/v1. */
export const FLOW_CONTROL_NUMBERS: NumberTable = {
  FlowSchema: 'metadata spec status',
  FlowSchemaSpec: 'priorityLevelConfiguration matchingPrecedence distinguisherMethod rules',
  FlowDistinguisherMethod: 'type',
  PriorityLevelConfigurationReference: 'name',
  PolicyRulesWithSubjects: 'subjects resourceRules nonResourceRules',
  ResourcePolicyRule: 'verbs apiGroups resources clusterScope namespaces',
  NonResourcePolicyRule: 'verbs 6 nonResourceURLs',
  Subject: 'kind user group serviceAccount',
  UserSubject: 'name',
  GroupSubject: 'name',
  ServiceAccountSubject: 'namespace name',
  FlowSchemaStatus: 'conditions',
  FlowSchemaCondition: CONDITION,
  PriorityLevelConfiguration: 'metadata spec status',
  PriorityLevelConfigurationSpec: 'type limited exempt',
  LimitedPriorityLevelConfiguration: `nominalConcurrencyShares? limitResponse lendablePercent?
    borrowingLimitPercent?`,
  ExemptPriorityLevelConfiguration: 'nominalConcurrencyShares? lendablePercent?',
  LimitResponse: 'type queuing',
  QueuingConfiguration: 'queues handSize queueLengthLimit',
  PriorityLevelConfigurationStatus: 'conditions',
  PriorityLevelConfigurationCondition: CONDITION,
};
