import { type ErrorCodeTable, PodwireError } from '@podwire/base';

export const SERVICES_ERRORS = {
  SERVICES_MODE_REFUSED: 'the node cannot go over to the proxy mode; the one before goes on',
  SERVICES_NO_CGROUP: 'mode ebpf has no cgroup2 file system to attach to',
  SERVICES_NO_IPVS: 'mode ipvs has no load balancer in this kernel',
  SERVICES_IPTABLES: 'mode iptables has no program that works, or it refused the rules',
  SERVICES_FOREIGN_PROXY:
    'modes iptables and ipvs leave the node to a kube-proxy that has its chains or its link there',
} as const satisfies ErrorCodeTable;

export type ServicesErrorCode = keyof typeof SERVICES_ERRORS;

export function servicesError(code: ServicesErrorCode, message: string, cause?: unknown): PodwireError {
  return new PodwireError(code, message, cause === undefined ? {} : { cause });
}
