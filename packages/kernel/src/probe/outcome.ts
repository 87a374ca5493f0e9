import { KernelError } from '../errors.ts';

/** Failures for reasons that lie in the process or the moment, not in the kernel. */
const UNDECIDED = [
  ...['EPERM', 'EACCES'],
  ...['ENOMEM', 'ENOBUFS', 'ENOSPC', 'EMFILE', 'ENFILE', 'EUSERS'],
  ...['EAGAIN', 'EINTR', 'EBUSY'],
];

/** What a failed trial says of the kernel: `no` only if the kernel itself refused, over its own interface or a file's. */
export function outcomeOf(error: unknown): 'no' | 'unknown' {
  // the verifier has seen the program: that it says EACCES is no want of a permission
  if (error instanceof KernelError && error.code === 'KERNEL_BPF_VERIFIER') return 'no';
  const name = error instanceof KernelError ? error.errnoName : systemErrorName(error);
  return name === undefined || UNDECIDED.includes(name) ? 'unknown' : 'no';
}

/** Of errors of node:fs. */
function systemErrorName(error: unknown): string | undefined {
  const { errno, code } = error instanceof Error ? (error as NodeJS.ErrnoException) : {};
  return typeof errno === 'number' ? code : undefined;
}
