import fs from 'node:fs';
import { PodwireError } from '@podwire/base';
import type { Netns } from '@podwire/kernel';

/** `net/ipv4/ip_forward`; parts are separated by slashes, since names of links may hold dots. */
function sysctlFile(path: string): string {
  const parts = path.split('/');
  if (parts.some((part) => part === '.' || part === '..' || !/^[\w.@:+-]+$/.test(part))) {
    throw new PodwireError('NET_BAD_SYSCTL', `"${path}" is not a sysctl; write it as net/ipv4/ip_forward`);
  }
  return `/proc/sys/${path}`;
}

/** The value, without the newline; values under net/ are those of the namespace. Throws NET_BAD_SYSCTL. */
export function readSysctl(netns: Netns, path: string): string {
  const file = sysctlFile(path);
  return netns.run(() => attempt(`read sysctl ${path}`, () => fs.readFileSync(file, 'utf8').trimEnd()));
}

/** Writes the value unless it is there already. Throws NET_BAD_SYSCTL. */
export function writeSysctl(netns: Netns, path: string, value: string): void {
  const file = sysctlFile(path);
  netns.run(() =>
    attempt(`set sysctl ${path} to ${value}`, () => {
      if (fs.readFileSync(file, 'utf8').trimEnd() !== value) fs.writeFileSync(file, value);
    }),
  );
}

function attempt<T>(what: string, fn: () => T): T {
  try {
    return fn();
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
    const advice =
      code === 'ENOENT' ? 'this kernel or namespace has none of that name' : 'run as root, with /proc/sys writable';
    throw new PodwireError('NET_BAD_SYSCTL', `${what}: ${code}; ${advice}`, { cause });
  }
}
