import type { ErrorCodeTable } from '@podwire/base';

export const LAB_ERRORS = {
  LAB_BAD_CONFIG: 'a flag or the configuration file has a value that cannot be',
  LAB_OVERLAP: 'two of the networks of the lab overlap',
  LAB_BUSY: 'another process starts or removes the lab at this moment',
  LAB_CHECK: 'a promise of the cluster does not hold',
  LAB_CNI: 'the CNI plugin of a node could not wire or unwire a pod',
  LAB_NODE: 'the agent of a node failed to answer, or died',
  LAB_PLAYERS: 'the thread that plays containers could not be loaded',
  LAB_PLAYER_START: 'a played container could not open its ports, or was stopped while it started',
  LAB_EXCHANGE: 'a request of a probe or of a played client failed after the connection was made',
  LAB_CONTAINER_CONFIG: 'a ConfigMap, Secret, key or field a container refers to does not exist',
  LAB_CONTAINER_START: 'a program could not be started in the pod, most often because the host does not have it',
  LAB_CONTAINER_STATE: 'the container has not started yet, or has no previous run',
  LAB_CONTAINER_NOT_FOUND: 'the pod has no container of that name',
  LAB_POD_NOT_FOUND: 'the pod runs on no node of this lab',
  LAB_SANDBOX: 'the network namespace of a pod, its interface or its files could not be made',
  LAB_VOLUME: 'something a volume of a pod is made of does not exist, or a path leads out of it',
} as const satisfies ErrorCodeTable;
