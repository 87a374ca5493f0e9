import fs from 'node:fs';
import { PodwireError } from '@podwire/base';
import type { Netns } from '@podwire/kernel';

/** Values by path, e.g. `{ 'net/ipv4/ip_forward': '1' }`; the kernel's Documentation/networking/ip-sysctl.rst. */
export type Sysctls = Readonly<Record<string, string>>;

/** `net/ipv4/ip_forward`; parts are separated by slashes, since names of links may hold dots and much else. */
function sysctlFile(path: string): string {
  if (path.includes('\0') || path.split('/').some((part) => part === '' || part === '.' || part === '..')) {
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
  netns.run(() => writeFile(path, file, value));
}

function writeFile(path: string, file: string, value: string): void {
  attempt(`set sysctl ${path} to ${value}`, () => {
    if (readIfPossible(file) !== plain(value)) fs.writeFileSync(file, value);
  });
}

/** undefined: there is none, it can only be written (route/flush), or nothing was written yet (stable_secret: EIO). */
function readIfPossible(file: string): string | undefined {
  try {
    return plain(fs.readFileSync(file, 'utf8'));
  } catch (error) {
    if (['ENOENT', 'EACCES', 'EIO'].includes((error as NodeJS.ErrnoException).code ?? '')) return undefined;
    throw error;
  }
}

/** The kernel separates several numbers by tabs, people by spaces. */
function plain(value: string): string {
  return value.trim().replaceAll(/\s+/g, ' ');
}

const ADVICE: Readonly<Record<string, string>> = {
  ENOENT: 'this kernel or namespace has none of that name',
  EINVAL: 'it does not take that value',
  EISDIR: 'that is a folder of sysctls',
  EIO: 'it has no value yet, or takes none here',
};

function attempt<T>(what: string, fn: () => T): T {
  try {
    return fn();
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? String(cause);
    const advice = ADVICE[code] ?? 'run as root, with /proc/sys writable';
    throw new PodwireError('NET_BAD_SYSCTL', `${what}: ${code}; ${advice}`, { cause });
  }
}

/** The values of these paths; those that the kernel or namespace does not have, or that cannot be read, are left out. */
export function readSysctls(netns: Netns, paths: readonly string[]): Sysctls {
  const files = paths.map((path) => [path, sysctlFile(path)] as const);
  return netns.run(() => {
    const values = files.map(
      ([path, file]) => [path, attempt(`read sysctl ${path}`, () => readIfPossible(file))] as const,
    );
    return Object.fromEntries(values.filter((entry): entry is [string, string] => entry[1] !== undefined));
  });
}

export interface SysctlChange {
  readonly path: string;
  readonly value: string;
  /** What it was; undefined: the path was not there. */
  readonly before: string | undefined;
}

/** What to write to come from observed to desired, in the order of desired. */
export function diffSysctls(desired: Sysctls, observed: Sysctls): SysctlChange[] {
  return Object.entries(desired).flatMap(([path, value]) => {
    const before = observed[path];
    return before !== undefined && plain(before) === plain(value) ? [] : [{ path, value, before }];
  });
}

export interface SysctlResult {
  readonly change: SysctlChange;
  /** NET_BAD_SYSCTL */
  readonly error: PodwireError | undefined;
}

/** Writes every value in one visit to the namespace; one result each. */
export function applySysctls(netns: Netns, changes: readonly SysctlChange[]): SysctlResult[] {
  return netns.run(() =>
    changes.map((change) => {
      try {
        writeFile(change.path, sysctlFile(change.path), change.value);
        return { change, error: undefined };
      } catch (error) {
        return { change, error: error as PodwireError };
      }
    }),
  );
}
