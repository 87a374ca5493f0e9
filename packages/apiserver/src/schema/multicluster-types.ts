import type { TypeTable } from './notation.ts';

/** multicluster.x-k8s.io, the same in all its versions. What SessionAffinityConfig is stands in the core table. */
export const MULTICLUSTER_TYPES: TypeTable = {
  ServiceExport: 'TypeMeta spec:ServiceExportSpec status:ServiceExportStatus',
  ServiceExportSpec: 'exportedAnnotations:string{} exportedLabels:string{}',
  ServiceExportStatus: 'conditions:Condition[]@type',

  ServiceImport: 'TypeMeta spec:ServiceImportSpec status:ServiceImportStatus',
  ServiceImportSpec: `internalTrafficPolicy ipFamilies:string[] ips:string[] ports+:ServicePort[]
    sessionAffinity(ClientIP|None) sessionAffinityConfig:SessionAffinityConfig trafficDistribution
    type*(ClusterSetIP|Headless)`,
  ServicePort: 'appProtocol name port*:int32 protocol(SCTP|TCP|UDP)',
  ServiceImportStatus: 'clusters:ClusterStatus[]@cluster conditions:Condition[]@type',
  ClusterStatus: 'cluster*',
};
