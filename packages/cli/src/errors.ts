import type { ErrorCodeTable } from '@podwire/base';

export const CLI_ERRORS = {
  CLI_USAGE: 'the command line cannot be understood',
  CLI_NOT_ROOT: 'root is needed and sudo is not there',
  CLI_INSTALL: 'a package could not be installed',
  CLI_KERNEL: 'the kernel lacks something podwire needs',
  CLI_PORT_IN_USE: 'a port the lab needs is taken',
  CLI_NOT_RUNNING: 'there is no running lab of that name',
  CLI_RUNNING: 'the lab is running already, so a manifest was not applied',
  CLI_DAEMON: 'the lab refused a request or broke off its answer',
  CLI_CHECK: 'the check ended without proving anything',
  CLI_START: 'the lab did not start',
  CLI_MANIFEST: 'a manifest could not be applied',
  CLI_NOT_READY: 'workloads did not become ready in time',
  CLI_DIRECTORY: 'a directory cannot be made',
  CLI_EXEC: 'a command could not be run in a pod',
  CLI_KUBECONFIG: 'a kubeconfig cannot be written',
  CLI_NO_KUBECTL: 'there is no kubectl on PATH',
} as const satisfies ErrorCodeTable;
