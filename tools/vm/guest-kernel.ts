import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** A kernel to boot, unpacked in the cache. */
export interface GuestKernel {
  /** Debian package it comes from. */
  readonly packageName: string;
  /** Compressed image. */
  readonly image: string;
  /** Folder with lib/modules/RELEASE, from which modules are loaded on demand. */
  readonly base: string;
  readonly release: string;
}

/** What the program prints; its errors go to stderr. */
export const text = (command: string, ...args: string[]): string =>
  execFileSync(command, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, LC_ALL: 'C' },
  });

/** Where kernels and runs are kept: $PODWIRE_VM_CACHE, else vm/ in podwire's folder of the user's cache. */
export function cacheFolder(): string {
  const { PODWIRE_VM_CACHE, XDG_CACHE_HOME } = process.env;
  return PODWIRE_VM_CACHE || path.join(XDG_CACHE_HOME || path.join(os.homedir(), '.cache'), 'podwire', 'vm');
}

/**
 * The kernel of the package $PODWIRE_VM_KERNEL, else the one fetched before, else what Debian's linux-image-amd64 stands
 * for today. Downloaded (70 MB) and unpacked once; later runs need no network.
 */
export function guestKernel(say: (line: string) => void): GuestKernel {
  const cache = cacheFolder();
  mkdirSync(cache, { recursive: true });
  const wanted = process.env['PODWIRE_VM_KERNEL'];
  const found = readdirSync(cache).filter((name) => (wanted ? name === wanted : name.startsWith('linux-image-')));
  const packageName = found.sort().at(-1) ?? wanted ?? currentPackage();
  const tree = path.join(cache, packageName);
  if (!existsSync(tree)) {
    say(`fetching ${packageName} (once)...`);
    unpack(packageName, tree);
  }
  const release = onlyEntry(path.join(tree, 'lib/modules'));
  return { packageName, image: path.join(tree, 'vmlinuz'), base: tree, release };
}

function currentPackage(): string {
  const name = () => /Depends: (linux-image-[0-9]\S*)/.exec(text('apt-cache', 'depends', 'linux-image-amd64'))?.[1];
  let found = name();
  if (!found) {
    text('apt-get', 'update', '-qq');
    found = name();
  }
  if (!found)
    throw new Error(
      'apt knows no package linux-image-amd64; name a kernel package in PODWIRE_VM_KERNEL (Debian, x86-64)',
    );
  return found;
}

/** Made aside and renamed, so that a run that is cut short leaves no half kernel, and two runs may race. */
function unpack(packageName: string, tree: string): void {
  const build = mkdtempSync(path.join(path.dirname(tree), 'build-'));
  try {
    const asRoot = process.getuid?.() === 0 ? ['-o', 'APT::Sandbox::User=root'] : [];
    execFileSync('apt-get', ['download', '-qq', ...asRoot, packageName], {
      cwd: build,
      stdio: ['ignore', 'ignore', 2],
    });
    const archive = path.join(build, onlyEntry(build));
    const unpacked = path.join(build, 'unpacked');
    text('dpkg-deb', '-x', archive, unpacked);
    const ready = path.join(build, 'ready');
    arrange(unpacked, ready);
    if (!existsSync(tree)) renameSync(ready, tree);
  } finally {
    rmSync(build, { recursive: true, force: true });
  }
}

/** The image and the modules, without what nothing here reads. */
function arrange(unpacked: string, ready: string): void {
  const library = ['lib', 'usr/lib']
    .map((name) => path.join(unpacked, name))
    .find((p) => existsSync(path.join(p, 'modules')));
  if (!library) throw new Error('the kernel package holds no lib/modules');
  const release = onlyEntry(path.join(library, 'modules'));
  mkdirSync(path.join(ready, 'lib'), { recursive: true });
  renameSync(path.join(library, 'modules'), path.join(ready, 'lib/modules'));
  renameSync(path.join(unpacked, 'boot', `vmlinuz-${release}`), path.join(ready, 'vmlinuz'));
  text('depmod', '-b', ready, release);
}

function onlyEntry(folder: string): string {
  const entries = readdirSync(folder);
  if (entries.length !== 1)
    throw new Error(`${folder} should hold one entry and holds: ${entries.join(', ') || 'none'}`);
  return entries[0] as string;
}
