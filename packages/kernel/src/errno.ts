import koffi from 'koffi';
import { libc } from './libc.ts';

/** Second names of numbers on Linux, errno(3). */
const ALIASES = ['EWOULDBLOCK', 'EDEADLOCK', 'ENOTSUP'];
/** Numbers of the kernel's own that reach user space now and then, linux/errno.h. */
const INTERNAL: Readonly<Record<number, readonly [name: string, text: string]>> = {
  517: ['EPROBE_DEFER', 'something it needs is not ready yet'],
  524: ['ENOTSUPP', 'the kernel does not support it'],
};
const names = new Map<number, string>([
  ...Object.entries(koffi.os.errno)
    .filter(([name]) => !ALIASES.includes(name))
    .map(([name, number]): [number, string] => [number, name]),
  ...Object.entries(INTERNAL).map(([number, [name]]): [number, string] => [Number(number), name]),
]);

/** `ENOENT` for 2; `errno 999` for numbers without a name. */
export function errnoName(errno: number): string {
  return names.get(errno) ?? `errno ${errno}`;
}

/** What strerror(3) says, in lower case: `no such file or directory` for 2. */
export function errnoText(errno: number): string {
  if (!names.has(errno)) return 'error without a text';
  const text = INTERNAL[errno]?.[1] ?? libc.strerror(errno);
  return text.charAt(0).toLowerCase() + text.slice(1);
}

const numbers = new Map<string, number>([
  ...Object.entries(koffi.os.errno),
  ...[...names].map(([number, name]): [string, number] => [name, number]),
]);

/** The number of a name such as `ENOENT`; 0 for what is no name. */
export function errnoOf(name: string): number {
  return numbers.get(name) ?? 0;
}
