import { spawn } from 'node:child_process';
import path from 'node:path';

export const ROOT = path.resolve(import.meta.dirname, '..');

export interface Step {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
}

const binary = (name: string): string => path.join(ROOT, 'node_modules/.bin', name);

/** Types, lint and format, dead code: none needs root. */
export const STATIC_STEPS: readonly Step[] = [
  { name: 'types', command: binary('tsc'), args: ['-p', ROOT] },
  { name: 'lint and format', command: binary('biome'), args: ['check', '--error-on-warnings', ROOT] },
  {
    name: 'dead code',
    command: process.execPath,
    args: [path.join(ROOT, 'node_modules/knip/bin/knip.js'), '--directory', ROOT],
  },
];

export const T1 = ['packages/*/src/**/!(*.kernel|*.vm|kubectl*|etcd*|client-node*).test.ts', 'tools/*.test.ts'];
/** The tests of kubectl and etcd need no root, but those programs, and time. */
export const T2 = ['packages/*/src/**/*.kernel.test.ts', 'packages/*/src/**/{kubectl,etcd,client-node}*.test.ts'];
/** Run in the guest of `npm run test:vm`, never on the host. */
export const TVM = ['packages/*/src/**/*.vm.test.ts'];
export const T3 = ['scenarios/**/*.test.ts'];

/** As `testStep`, all in one process: starting one for each file takes longer than most of these tests. */
export function unitStep(name: string, patterns: readonly string[]): Step {
  const { command, args } = testStep(name, patterns, { reporter: 'dot' });
  return { name, command, args: ['--test-isolation=none', ...args] };
}

/** Only what hangs needs longer. */
const TEST_TIMEOUT_MS = 1_200_000;
/** Everything takes the emulated guest about ten times as long. */
export const GUEST_TEST_TIMEOUT_MS = 1_800_000;

interface TestOptions {
  readonly reporter?: 'dot' | 'spec';
  readonly timeoutMs?: number;
}

export function testStep(name: string, patterns: readonly string[], options: TestOptions = {}): Step {
  const { reporter = 'spec', timeoutMs = TEST_TIMEOUT_MS } = options;
  const flags = [
    '--disable-warning=ExperimentalWarning',
    '--test',
    `--test-reporter=${reporter}`,
    `--test-timeout=${timeoutMs}`,
  ];
  return { name, command: process.execPath, args: [...flags, ...patterns] };
}

/** Runs a step with its output as it comes; resolves to its exit code. */
export function runStep({ name, command, args }: Step): Promise<number> {
  const started = performance.now();
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] });
    child.on('error', reject);
    child.on('exit', (code) => {
      console.error(
        `${code === 0 ? 'ok    ' : 'FAILED'} ${name} (${((performance.now() - started) / 1000).toFixed(1)} s)`,
      );
      resolve(code ?? 1);
    });
  });
}
