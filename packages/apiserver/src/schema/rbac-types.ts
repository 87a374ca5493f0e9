import type { TypeTable } from './notation.ts';

const BINDING = 'TypeMeta roleRef+:RoleRef subjects:Subject[]';

/** rbac.authorization.k8s.io/v1. */
export const RBAC_TYPES: TypeTable = {
  Role: 'TypeMeta rules:PolicyRule[]',
  ClusterRole: 'TypeMeta aggregationRule:AggregationRule rules:PolicyRule[]',
  PolicyRule: 'apiGroups:string[] nonResourceURLs:string[] resourceNames:string[] resources:string[] verbs+:string[]',
  AggregationRule: 'clusterRoleSelectors:LabelSelector[]',
  RoleBinding: BINDING,
  ClusterRoleBinding: BINDING,
  RoleRef: 'apiGroup=rbac.authorization.k8s.io kind+ name+',
  Subject: 'apiGroup kind+ name+ namespace',
};
