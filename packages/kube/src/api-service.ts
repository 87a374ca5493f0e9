import type { ObjectMeta } from 'kubernetes-types/meta/v1.js';

/** A group version that another server answers for (apiregistration.k8s.io/v1), or this one where there is no service. */
export interface APIService {
  readonly apiVersion?: 'apiregistration.k8s.io/v1';
  readonly kind?: 'APIService';
  metadata?: ObjectMeta;
  spec?: {
    group?: string;
    version?: string;
    groupPriorityMinimum: number;
    versionPriority: number;
    /** PEM in base64. */
    caBundle?: string;
    insecureSkipTLSVerify?: boolean;
    service?: { name?: string; namespace?: string; port?: number };
  };
  status?: {
    /** Type `Available`. */
    conditions?: { type: string; status: string; reason?: string; message?: string; lastTransitionTime?: string }[];
  };
}
