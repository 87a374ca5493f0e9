import type { ErrorCodeTable } from '@podwire/base';

export const AGENT_ERRORS = {
  AGENT_PORT: 'health and metrics cannot be served at the address and port',
} as const satisfies ErrorCodeTable;
