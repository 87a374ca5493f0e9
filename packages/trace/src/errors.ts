import type { ErrorCodeTable } from '@podwire/base';

export const TRACE_ERRORS = {
  TRACE_TARGET: 'source, target or port cannot be understood',
  TRACE_NO_POD: 'a pod that was named is not there, or has no address yet',
  TRACE_NO_ENDPOINT: 'the endpoint that was asked for is not one the connection can reach',
  TRACE_PLACEMENT: 'a manifest asks for what no node or address range can give',
} as const satisfies ErrorCodeTable;
