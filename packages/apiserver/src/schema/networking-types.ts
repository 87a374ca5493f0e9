import type { TypeTable } from './notation.ts';

/** networking.k8s.io/v1. */
export const NETWORKING_TYPES: TypeTable = {
  Ingress: 'TypeMeta spec:IngressSpec status:IngressStatus',
  IngressSpec: 'defaultBackend:IngressBackend ingressClassName rules:IngressRule[] tls:IngressTLS[]',
  IngressBackend: 'resource:TypedLocalObjectReference service:IngressServiceBackend',
  IngressServiceBackend: 'name* port:ServiceBackendPort',
  ServiceBackendPort: 'name number:int32',
  IngressRule: 'host http:HTTPIngressRuleValue',
  HTTPIngressRuleValue: 'paths*:HTTPIngressPath[]',
  HTTPIngressPath: 'backend+:IngressBackend path pathType+',
  IngressTLS: 'hosts:string[] secretName',
  IngressStatus: 'loadBalancer:IngressLoadBalancerStatus',
  IngressLoadBalancerStatus: 'ingress:IngressLoadBalancerIngress[]',
  IngressLoadBalancerIngress: 'hostname ip ports:IngressPortStatus[]',
  IngressPortStatus: 'error port+:int32 protocol+',

  IngressClass: 'TypeMeta spec:IngressClassSpec',
  IngressClassSpec: 'controller parameters:IngressClassParametersReference',
  IngressClassParametersReference: 'apiGroup kind* name* namespace scope(Cluster|Namespace)=Cluster',

  NetworkPolicy: 'TypeMeta spec:NetworkPolicySpec',
  NetworkPolicySpec: `egress:NetworkPolicyEgressRule[] ingress:NetworkPolicyIngressRule[] podSelector:LabelSelector={}
    policyTypes:string[]`,
  NetworkPolicyEgressRule: 'ports:NetworkPolicyPort[] to:NetworkPolicyPeer[]',
  NetworkPolicyIngressRule: 'from:NetworkPolicyPeer[] ports:NetworkPolicyPort[]',
  NetworkPolicyPort: 'endPort:int32 port:intOrString protocol(SCTP|TCP|UDP)=TCP',
  NetworkPolicyPeer: 'ipBlock:IPBlock namespaceSelector:LabelSelector podSelector:LabelSelector',
  IPBlock: 'cidr* except:string[]',

  ServiceCIDR: 'TypeMeta spec:ServiceCIDRSpec status:ServiceCIDRStatus',
  ServiceCIDRSpec: 'cidrs:string[]',
  ServiceCIDRStatus: 'conditions:Condition[]@type',

  IPAddress: 'TypeMeta spec+:IPAddressSpec',
  IPAddressSpec: 'parentRef*:ParentReference',
  ParentReference: 'group name* namespace resource*',
};

/** Ingress as extensions/v1beta1 and networking.k8s.io/v1beta1 had it: served for old manifests, stored as v1. */
export const INGRESS_BETA_TYPES: TypeTable = {
  Ingress: 'TypeMeta spec:IngressSpec status:IngressStatus',
  IngressSpec: 'backend:IngressBackend ingressClassName rules:IngressRule[] tls:IngressTLS[]',
  IngressBackend: 'resource:TypedLocalObjectReference serviceName servicePort:intOrString',
  IngressRule: 'host http:HTTPIngressRuleValue',
  HTTPIngressRuleValue: 'paths*:HTTPIngressPath[]',
  HTTPIngressPath: 'backend+:IngressBackend path pathType',
  IngressTLS: 'hosts:string[] secretName',
  IngressStatus: 'loadBalancer:LoadBalancerStatus',
};
