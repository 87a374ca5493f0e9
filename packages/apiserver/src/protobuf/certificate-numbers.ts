import type { NumberTable } from './message.ts';

/** certificates.k8s.io/v1. */
export const CERTIFICATE_NUMBERS: NumberTable = {
  CertificateSigningRequest: 'metadata spec status',
  CertificateSigningRequestSpec: 'request username uid groups usages 7 signerName expirationSeconds?',
  CertificateSigningRequestStatus: 'conditions certificate',
  CertificateSigningRequestCondition: 'type reason message lastUpdateTime lastTransitionTime status',
};

/** apiregistration.k8s.io/v1. */
export const API_REGISTRATION_NUMBERS: NumberTable = {
  APIService: 'metadata spec status',
  APIServiceSpec: 'service group version insecureSkipTLSVerify caBundle 7 groupPriorityMinimum versionPriority',
  ServiceReference: 'namespace name port?',
  APIServiceStatus: 'conditions',
  APIServiceCondition: 'type status lastTransitionTime reason message',
};
