import type { ErrorCodeTable } from '@podwire/base';

export const FABRIC_ERRORS = {
  FABRIC_NO_UNDERLAY: "no interface of the node carries the node's InternalIP",
} as const satisfies ErrorCodeTable;
