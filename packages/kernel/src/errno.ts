import { getSystemErrorMap } from 'node:util';
import koffi from 'koffi';

/** Second names of numbers on Linux, errno(3). */
const ALIASES = ['EWOULDBLOCK', 'EDEADLOCK', 'ENOTSUP'];
const names = new Map<number, string>(
  Object.entries(koffi.os.errno)
    .filter(([name]) => !ALIASES.includes(name))
    .map(([name, number]) => [number, name]),
);

/** `ENOENT` for 2; `errno 524` for numbers only the kernel knows. */
export function errnoName(errno: number): string {
  return names.get(errno) ?? `errno ${errno}`;
}

/** `no such file or directory` for 2. */
export function errnoText(errno: number): string {
  return getSystemErrorMap().get(-errno)?.[1] ?? 'error without a text';
}

/** The number of a name such as `ENOENT`. */
export function errnoOf(name: string): number {
  return koffi.os.errno[name] ?? 0;
}
