import type { TypeTable } from './notation.ts';

/** certificates.k8s.io/v1. */
export const CERTIFICATE_TYPES: TypeTable = {
  CertificateSigningRequest: `TypeMeta spec+:CertificateSigningRequestSpec
    status:CertificateSigningRequestStatus`,
  CertificateSigningRequestSpec: `expirationSeconds:int32 extra:any{} groups:string[] request*:bytes signerName* uid
    usages:string[] username`,
  CertificateSigningRequestStatus: 'certificate:bytes conditions:CertificateSigningRequestCondition[]@type-nopatch',
  CertificateSigningRequestCondition: `lastTransitionTime:time lastUpdateTime:time message reason
    status+ type+`,
};

/** apiregistration.k8s.io/v1. */
export const API_REGISTRATION_TYPES: TypeTable = {
  APIService: 'TypeMeta spec:APIServiceSpec status:APIServiceStatus',
  APIServiceSpec: `caBundle:bytes group groupPriorityMinimum+:int32 insecureSkipTLSVerify:bool service:ServiceReference
    version versionPriority+:int32`,
  ServiceReference: 'name namespace port:int32=443',
  APIServiceStatus: 'conditions:APIServiceCondition[]@type',
  APIServiceCondition: 'lastTransitionTime:time message reason status+ type+',
};
