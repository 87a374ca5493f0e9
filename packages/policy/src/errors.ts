import type { ErrorCodeTable } from '@podwire/base';

export const POLICY_ERRORS = {
  POLICY_NOT_READY: 'the room is not started, or the rules asked for are not in force',
  POLICY_POD_UNKNOWN: 'the API server does not know the pod whose rules were asked for',
} as const satisfies ErrorCodeTable;
