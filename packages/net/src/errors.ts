import type { ErrorCodeTable } from '@podwire/base';

export const NET_ERRORS = {
  NET_NO_LINK: 'there is no link of that name in the network namespace',
  NET_BAD_VALUE:
    'a name, address, prefix or number of an object cannot be what it is meant to be; details.object names it',
  NET_BAD_SYSCTL:
    'a sysctl path has a form that cannot exist, or the kernel has no such sysctl, or it refuses the value',
  NET_CLOSED: 'a Net was used after close()',
} as const satisfies ErrorCodeTable;
