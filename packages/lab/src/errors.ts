import type { ErrorCodeTable } from '@podwire/base';

export const LAB_ERRORS = {
  LAB_BAD_CONFIG: 'a flag or the configuration file has a value that cannot be',
  LAB_OVERLAP: 'two of the networks of the lab overlap',
  LAB_CHECK: 'a promise of the cluster does not hold',
  LAB_CNI: 'the CNI plugin of a node could not wire or unwire a pod',
  LAB_NODE: 'the agent of a node failed to answer',
} as const satisfies ErrorCodeTable;
