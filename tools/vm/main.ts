/**
 * `npm run test:vm [-- FILTER]`: boots Debian's kernel once and runs the `*.vm.test.ts` whose path contains FILTER (all
 * without one) in it. For features the machine's own kernel lacks; no acceleration is needed.
 */
import { globSync } from 'node:fs';
import { installSystemPackages, missingSystemPackages } from '../../packages/cli/src/system-packages.ts';
import { GUEST_TEST_TIMEOUT_MS, ROOT, TVM, testStep } from '../steps.ts';
import { runInGuest } from './guest.ts';
import { guestKernel } from './guest-kernel.ts';

const PACKAGES = ['qemu-system-x86', 'busybox-static', 'cpio', 'kmod', 'xz-utils', 'ipvsadm', 'wireguard-tools'];
const SECONDS = Number(process.env['PODWIRE_VM_SECONDS'] ?? 7200);
const say = (line: string) => console.error(`test:vm: ${line}`);

async function main(filter = ''): Promise<number> {
  const files = globSync(TVM, { cwd: ROOT })
    .filter((file) => file.includes(filter))
    .sort();
  if (files.length === 0) {
    say(`no *.vm.test.ts has "${filter}" in its path`);
    return 2;
  }
  const missing = missingSystemPackages(PACKAGES);
  if (missing.length > 0 && process.getuid?.() !== 0) {
    say(`needs ${missing.join(', ')}; install them (apt-get install ${missing.join(' ')}) or run this as root`);
    return 1;
  }
  await installSystemPackages(PACKAGES, say);
  const kernel = guestKernel(say);
  say(`${files.length} test files in ${kernel.packageName}`);
  const { command, args } = testStep('tests', files, { timeoutMs: GUEST_TEST_TIMEOUT_MS });
  const started = performance.now();
  const code = await runInGuest({ kernel, command: [command, ...args], folder: ROOT, seconds: SECONDS });
  say(`${code === 0 ? 'ok' : `FAILED, exit code ${code}`} (${((performance.now() - started) / 1000).toFixed(1)} s)`);
  return code;
}

try {
  process.exitCode = await main(process.argv[2]);
} catch (error) {
  say(error instanceof Error ? error.message : String(error));
  process.exitCode = 1;
}
