import { spawnSync } from 'node:child_process';
import { PodwireError } from '@podwire/base';

/** Returns when this is root; otherwise runs the same command line again through sudo and ends with its exit code. */
export function becomeRoot(): void {
  if (process.getuid?.() === 0) return;
  // Ctrl-C reaches the command under sudo too; this one waits until it has cleaned up.
  process.on('SIGINT', () => {});
  const again = spawnSync('sudo', ['--', process.execPath, ...process.execArgv, ...process.argv.slice(1)], {
    stdio: 'inherit',
  });
  // EACCES: a directory on PATH may not be searched, and no other one has it
  if (['ENOENT', 'EACCES'].includes((again.error as NodeJS.ErrnoException | undefined)?.code ?? '')) {
    throw new PodwireError(
      'CLI_NOT_ROOT',
      'network namespaces need root, this user is not root and there is no sudo here; run the same command as root',
    );
  }
  process.exit(again.status ?? 1);
}
