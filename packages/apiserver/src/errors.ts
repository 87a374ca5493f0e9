import type { ErrorCodeTable } from '@podwire/base';

/** Failures of the server itself; failures of requests are Status objects (KUBE_* codes of @podwire/kube). */
export const APISERVER_ERRORS = {
  APISERVER_DIRECTORY: 'a directory or file the server needs cannot be made or opened',
  APISERVER_DIRECTORY_IN_USE: 'another running API server owns the state directory',
  APISERVER_ETCD: 'etcd does not answer, or not as it has to',
  APISERVER_LISTEN: 'the server cannot listen at an address and port',
  APISERVER_STATE_DAMAGED: 'a state file is damaged before its end, so later writes cannot be trusted',
  APISERVER_STATE_REFUSED: 'a write was not taken, nothing of it is kept, and later ones may be taken',
  APISERVER_STATE_WRITE: 'the state directory could not be written; the server refuses further writes',
} as const satisfies ErrorCodeTable;
