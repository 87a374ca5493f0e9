import type { ErrorCodeTable } from '@podwire/base';

export const INGRESS_ERRORS = {
  INGRESS_NO_HAPROXY: 'the haproxy program is not installed',
  INGRESS_START: 'HAProxy did not start or did not take its new configuration',
  INGRESS_RUNTIME: 'HAProxy refused a command on its runtime socket',
} as const satisfies ErrorCodeTable;
