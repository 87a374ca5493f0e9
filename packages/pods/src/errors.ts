import type { ErrorCodeTable } from '@podwire/base';

export const PODS_ERRORS = {
  PODS_VERSION: 'the cniVersion of the configuration is not supported, or does not know the verb',
  PODS_FIELD: 'a field of the configuration has a value that is not supported',
  PODS_ENVIRONMENT: 'a CNI_ variable is missing or wrong',
  PODS_IO: 'the configuration or a file could not be read or written',
  PODS_DECODING: 'the configuration or the request is not JSON of the right form',
  PODS_CONFIG: 'the network configuration is not valid',
  PODS_TRY_LATER: 'not possible now: no pod CIDR yet, no free address, or the pod is not ready in time',
  PODS_NOT_AVAILABLE: 'the agent cannot wire pods now',
  PODS_HOST_PORT_TAKEN: 'a host port is already mapped to another pod of the node',
  PODS_EXISTS: 'the container has this interface already',
  PODS_CHECK: 'an attachment differs from its result',
  PODS_GC: 'some attachments could not be freed',
  PODS_KERNEL: 'the kernel refused a change',
  PODS_ADDRESS_TAKEN: 'a requested address is held by another attachment or cannot be given out',
  PODS_SOCKET_IN_USE: 'another process already serves the CNI socket',
  PODS_SHIM: 'the CNI binary could not be built',
} as const satisfies ErrorCodeTable;

export type PodsErrorCode = keyof typeof PODS_ERRORS;

/** The number of the CNI error object for each code (CNI specification, "Error"; 100 and up are podwire's). */
export const CNI_CODES: Readonly<Record<PodsErrorCode, number>> = {
  PODS_VERSION: 1,
  PODS_FIELD: 2,
  PODS_ENVIRONMENT: 4,
  PODS_IO: 5,
  PODS_DECODING: 6,
  PODS_CONFIG: 7,
  PODS_TRY_LATER: 11,
  PODS_NOT_AVAILABLE: 50,
  PODS_HOST_PORT_TAKEN: 100,
  PODS_EXISTS: 101,
  PODS_CHECK: 102,
  PODS_GC: 103,
  PODS_KERNEL: 104,
  PODS_ADDRESS_TAKEN: 105,
  PODS_SOCKET_IN_USE: 106,
  PODS_SHIM: 107,
};
