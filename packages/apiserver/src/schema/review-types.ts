import type { TypeTable } from './notation.ts';

/** authentication.k8s.io/v1: questions that are answered, not stored. */
export const AUTHENTICATION_TYPES: TypeTable = {
  TokenReview: 'TypeMeta spec+:TokenReviewSpec status:TokenReviewStatus',
  TokenReviewSpec: 'audiences:string[] token+',
  TokenReviewStatus: 'audiences:string[] authenticated:bool error user:UserInfo',
  UserInfo: 'extra:any{} groups:string[] uid username',
  TokenRequest: 'TypeMeta spec:TokenRequestSpec status:TokenRequestStatus',
  TokenRequestSpec: 'audiences:string[] boundObjectRef:BoundObjectReference expirationSeconds:int64',
  BoundObjectReference: 'apiVersion kind name uid',
  TokenRequestStatus: 'expirationTimestamp:time token',
  SelfSubjectReview: 'TypeMeta status:SelfSubjectReviewStatus',
  SelfSubjectReviewStatus: 'userInfo:UserInfo',
};

/** authorization.k8s.io/v1: questions that are answered, not stored. */
export const AUTHORIZATION_TYPES: TypeTable = {
  SelfSubjectAccessReview: 'TypeMeta spec+:SelfSubjectAccessReviewSpec status:SubjectAccessReviewStatus',
  SelfSubjectAccessReviewSpec: `nonResourceAttributes:NonResourceAttributes resourceAttributes:ResourceAttributes`,
  SubjectAccessReview: 'TypeMeta spec+:SubjectAccessReviewSpec status:SubjectAccessReviewStatus',
  LocalSubjectAccessReview: 'TypeMeta spec+:SubjectAccessReviewSpec status:SubjectAccessReviewStatus',
  SubjectAccessReviewSpec: `extra:any{} groups:string[] nonResourceAttributes:NonResourceAttributes
    resourceAttributes:ResourceAttributes uid user`,
  NonResourceAttributes: 'path verb',
  ResourceAttributes: `fieldSelector:FieldSelectorAttributes group labelSelector:LabelSelectorAttributes name namespace
    resource subresource verb version`,
  FieldSelectorAttributes: 'rawSelector requirements:FieldSelectorRequirement[]',
  LabelSelectorAttributes: 'rawSelector requirements:LabelSelectorRequirement[]',
  SubjectAccessReviewStatus: 'allowed+:bool denied:bool evaluationError reason',
  SelfSubjectRulesReview: 'TypeMeta spec+:SelfSubjectRulesReviewSpec status:SubjectRulesReviewStatus',
  SelfSubjectRulesReviewSpec: 'namespace',
  SubjectRulesReviewStatus: `evaluationError incomplete+:bool nonResourceRules+:NonResourceRule[]
    resourceRules+:ResourceRule[]`,
  NonResourceRule: 'nonResourceURLs:string[] verbs+:string[]',
  ResourceRule: 'apiGroups:string[] resourceNames:string[] resources:string[] verbs+:string[]',
};
