/**
 * Types whose objects server-side apply replaces as a whole (`x-kubernetes-map-type: atomic` of the type itself). A
 * name means the same in every group.
 */
export const ATOMIC_TYPES: ReadonlySet<string> = new Set(
  `ConfigMapKeySelector CrossVersionObjectReference EndpointAddress EndpointPort FileKeySelector LabelSelector
  LocalObjectReference MatchResources NamedRuleWithOperations NodeSelector NodeSelectorTerm ObjectFieldSelector
  ObjectReference OwnerReference ParamKind ParamRef ResourceFieldSelector RoleRef ScopeSelector SecretKeySelector
  SecretReference ServiceBackendPort Subject TopologySelectorTerm TypedLocalObjectReference Variable`.split(/\s+/),
);
