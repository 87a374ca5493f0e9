import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { type GuestKernel, text } from './guest-kernel.ts';

/** What stands between the guest and the host's files and output; what they need in turn is looked up. */
const FIRST_MODULES = ['virtio_pci', '9pnet_virtio', '9p', 'overlay', 'virtio_console'];

/** Writes the initial RAM disk (a cpio archive) into the folder: busybox, init.sh, the first modules. A tenth of a second. */
export function writeInitialDisk(kernel: GuestKernel, folder: string): string {
  const disk = path.join(folder, 'initrd.d');
  for (const name of ['bin', 'modules']) mkdirSync(path.join(disk, name), { recursive: true });
  const programs = [
    [text('/bin/sh', '-c', 'command -v busybox').trim(), 'bin/busybox'],
    [path.join(import.meta.dirname, 'init.sh'), 'init'],
  ] as const;
  for (const [from, to] of programs) {
    copyFileSync(from, path.join(disk, to));
    chmodSync(path.join(disk, to), 0o755);
  }
  loadOrder(kernel).forEach((file, i) => {
    const place = path.join(disk, 'modules', `${String(i).padStart(2, '0')}.ko`);
    if (file.endsWith('.xz')) writeFileSync(place, execFileSync('xz', ['-dc', file], { maxBuffer: 1 << 26 }));
    else copyFileSync(file, place);
  });
  const archive = path.join(folder, 'initrd');
  const input = execFileSync('find', ['.', '-print0'], { cwd: disk });
  const options = { cwd: disk, input, maxBuffer: 1 << 28 };
  writeFileSync(archive, execFileSync('cpio', ['-o', '-0', '-H', 'newc', '--quiet'], options));
  return archive;
}

/** Files of the first modules, each behind those it needs. */
function loadOrder({ base, release }: GuestKernel): string[] {
  const lines = FIRST_MODULES.flatMap((name) =>
    text('modprobe', '-d', base, '-S', release, '--show-depends', name).split('\n'),
  );
  return [...new Set(lines.flatMap((line) => /^insmod (.+\.ko(?:\.xz)?)/.exec(line)?.[1] ?? []))];
}
