import type { NumberTable } from './message.ts';

/** authentication.k8s.io/v1. */
export const AUTHENTICATION_NUMBERS: NumberTable = {
  TokenReview: 'metadata spec status',
  TokenReviewSpec: 'token audiences',
  TokenReviewStatus: 'authenticated user error audiences',
  UserInfo: 'username uid groups',
  TokenRequest: 'metadata spec status',
  TokenRequestSpec: 'audiences 3 boundObjectRef expirationSeconds?',
  BoundObjectReference: 'kind apiVersion name uid',
  TokenRequestStatus: 'token expirationTimestamp',
  SelfSubjectReview: 'metadata status',
  SelfSubjectReviewStatus: 'userInfo',
};

/** authorization.k8s.io/v1. */
export const AUTHORIZATION_NUMBERS: NumberTable = {
  SelfSubjectAccessReview: 'metadata spec status',
  SelfSubjectAccessReviewSpec: 'resourceAttributes nonResourceAttributes',
  ResourceAttributes: 'namespace verb group version resource subresource name fieldSelector labelSelector',
  FieldSelectorAttributes: 'rawSelector requirements',
  LabelSelectorAttributes: 'rawSelector requirements',
  NonResourceAttributes: 'path verb',
  SubjectAccessReviewStatus: 'allowed reason evaluationError denied',
  SelfSubjectRulesReview: 'metadata spec status',
  SelfSubjectRulesReviewSpec: 'namespace',
  SubjectRulesReviewStatus: 'resourceRules nonResourceRules incomplete evaluationError',
  ResourceRule: 'verbs apiGroups resources resourceNames',
  NonResourceRule: 'verbs nonResourceURLs',
  SubjectAccessReview: 'metadata spec status',
  SubjectAccessReviewSpec: 'resourceAttributes nonResourceAttributes user groups 6 uid',
  LocalSubjectAccessReview: 'metadata spec status',
};
