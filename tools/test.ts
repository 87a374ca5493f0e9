/** `npm test`: everything. Kernel and scenario tests need root, so without it this runs itself again through sudo. */
import { spawnSync } from 'node:child_process';
import { runStep, runTogether, STATIC_STEPS, T1, T2, T3, testStep } from './steps.ts';

function runAsRoot(): never {
  const sudo = spawnSync(
    'sudo',
    ['--preserve-env=CI', process.execPath, ...process.execArgv, ...process.argv.slice(1)],
    { stdio: 'inherit' },
  );
  if ((sudo.error as NodeJS.ErrnoException | undefined)?.code === 'ENOENT') {
    console.error(
      'npm test: the kernel and scenario tests need root and there is no sudo here; run it as root, or run "npm run check" for the rest',
    );
    process.exit(1);
  }
  process.exit(sudo.status ?? 1);
}

if (process.getuid?.() !== 0) runAsRoot();
const { installSystemPackages } = await import('../packages/cli/src/system-packages.ts');
await installSystemPackages(
  [
    ...['haproxy', 'nftables', 'iproute2', 'wget', 'procps', 'dnsutils', 'netcat-openbsd', 'gcc', 'libc6-dev'],
    ...['ethtool', 'iptables', 'conntrack', 'tcpdump', 'python3-minimal'],
  ],
  (line) => console.error(line),
);
const statics = await runTogether(STATIC_STEPS);
// One run of node's test runner, last, so that its summary closes the output.
const tests = await runStep(testStep('tests', [...T1, ...T2, ...T3]));
process.exitCode = [...statics, tests].some((code) => code !== 0) ? 1 : 0;
