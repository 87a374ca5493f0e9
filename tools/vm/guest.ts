import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { cacheFolder, type GuestKernel } from './guest-kernel.ts';
import { writeInitialDisk } from './initial-disk.ts';

/**
 * One boot of a guest, which sees the files of this machine read-only at the same paths:
 *
 *   host                                   guest (QEMU, no network card)
 *   /  ----------- 9p, read-only --------> lower layer of /
 *   session file --- kernel argument ----> /bin/sh SESSION -> the command
 *   stdout <------- virtio port ---------- what the command prints
 *   exit status <--- isa-debug-exit ------ its exit code
 *   console file <--- ttyS0 -------------- kernel messages, shown only when the command was never reached
 */
export interface GuestRun {
  readonly kernel: GuestKernel;
  readonly command: readonly string[];
  /** Folder the command starts in. */
  readonly folder: string;
  readonly seconds: number;
  readonly memoryMiB?: number;
}

/** 124 and 125 as of timeout(1) and docker-run(1): too late, and not run at all. */
const TOO_LATE = 124;
const NOT_RUN = 125;
/** No status of QEMU, which was ended by a signal. */
const KILLED = -1;
const quote = (word: string): string => `'${word.replaceAll("'", `'\\''`)}'`;

/** Runs the command in a fresh guest, its output on stdout; resolves to its exit code (at most 100), 124 or 125. */
export async function runInGuest(run: GuestRun): Promise<number> {
  const folder = mkdtempSync(path.join(cacheFolder(), 'run-'));
  try {
    writeFileSync(path.join(folder, 'session'), sessionText(run));
    writeInitialDisk(run.kernel, folder);
    const status = await boot(qemuArguments(run, folder), run.seconds);
    // isa-debug-exit: status = 2 (code + 16) + 1
    if (status >= 33 && status % 2 === 1) return (status - 33) / 2;
    const late = status === TOO_LATE;
    const what = late ? `gave no result within ${run.seconds} s` : `ended before its command did (status ${status})`;
    console.error(
      `${consoleEnd(folder)}\nthe guest (${run.kernel.packageName}) ${what}; above is the end of its console`,
    );
    return late ? TOO_LATE : NOT_RUN;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Empty when QEMU did not come as far as to make it. */
function consoleEnd(folder: string): string {
  const file = path.join(folder, 'console');
  return existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n').slice(-60).join('\n') : '';
}

function sessionText({ kernel, folder, command }: GuestRun): string {
  const variables = ['PATH', 'HOME', 'CI', 'NO_COLOR'].flatMap((name) => {
    const value = process.env[name];
    return value === undefined ? [] : [`export ${name}=${quote(value)}`];
  });
  const run = ['run', path.join(kernel.base, 'lib/modules', kernel.release), folder, ...command].map(quote).join(' ');
  return [...variables, `. ${quote(path.join(import.meta.dirname, 'session.sh'))}`, run, ''].join('\n');
}

function qemuArguments({ kernel, memoryMiB = 1536 }: GuestRun, folder: string): string[] {
  const accelerator = process.env['PODWIRE_VM_ACCEL'] ?? 'tcg';
  const machine = [
    '-accel',
    // with a thread for each processor, programs that Node compiles are now and then run stale, and V8 gives up
    accelerator === 'tcg' ? 'tcg,thread=single' : accelerator,
    '-smp',
    '2',
    '-m',
    String(memoryMiB),
  ];
  return [
    ...machine,
    ...['-cpu', accelerator === 'tcg' ? 'qemu64' : 'host', '-nodefaults', '-display', 'none', '-no-reboot'],
    ...['-kernel', kernel.image, '-initrd', path.join(folder, 'initrd')],
    // Linux waits for ticks by counting instructions, and panics when a busy machine emulates none in that time
    ...[
      '-append',
      `console=ttyS0 loglevel=4 panic=-1 no_timer_check "podwire_session=${path.join(folder, 'session')}"`,
    ],
    ...['-serial', `file:${path.join(folder, 'console')}`],
    ...[
      '-chardev',
      'stdio,id=output,signal=off',
      '-device',
      'virtio-serial-pci',
      '-device',
      'virtserialport,chardev=output',
    ],
    ...['-fsdev', 'local,id=host,path=/,security_model=none,readonly=on,multidevs=remap'],
    ...['-device', 'virtio-9p-pci,fsdev=host,mount_tag=host'],
    ...['-device', 'isa-debug-exit,iobase=0xf4,iosize=0x01'],
  ];
}

function boot(args: readonly string[], seconds: number): Promise<number> {
  return new Promise((resolve, reject) => {
    // An input that ends would close the output too: QEMU takes both for one device.
    const qemu = spawn('qemu-system-x86_64', args, { stdio: ['pipe', 'inherit', 'inherit'] });
    let late = false;
    const limit = setTimeout(() => {
      late = true;
      qemu.kill('SIGKILL');
    }, seconds * 1000);
    const stop = () => qemu.kill('SIGKILL');
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, stop);
    qemu.on('error', reject).on('exit', (code) => {
      clearTimeout(limit);
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, stop);
      resolve(late ? TOO_LATE : (code ?? KILLED));
    });
  });
}
