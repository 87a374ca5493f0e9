import { type ChildProcess, type StdioOptions, spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import path from 'node:path';

export const ROOT = path.resolve(import.meta.dirname, '..');

export interface Step {
  readonly name: string;
  readonly command: string;
  readonly args: readonly string[];
  /** Beside this process's. */
  readonly env?: Readonly<Record<string, string>>;
}

const binary = (name: string): string => path.join(ROOT, 'node_modules/.bin', name);

/** What a run leaves so that the next one looks only at what changed; each tool passes over what it cannot read. */
const CACHE = path.join(ROOT, 'node_modules/.cache/podwire');

/** One checker: each looks at most of the types again, and the cores have other steps. */
const TYPES = ['--checkers', '1', '--incremental', '--tsBuildInfoFile', path.join(CACHE, 'types.tsbuildinfo')];

/** Types, lint and format, dead code: none needs root. */
export const STATIC_STEPS: readonly Step[] = [
  { name: 'types', command: binary('tsc'), args: ['-p', ROOT, ...TYPES] },
  { name: 'lint and format', command: binary('biome'), args: ['check', '--error-on-warnings', ROOT] },
  {
    name: 'dead code',
    command: process.execPath,
    args: [
      ...[path.join(ROOT, 'node_modules/knip/bin/knip.js'), '--directory', ROOT],
      ...['--cache', '--cache-location', path.join(CACHE, 'knip')],
    ],
  },
];

export const T1 = ['packages/*/src/**/!(*.kernel|*.vm|kubectl*|etcd*|client-node*).test.ts', 'tools/*.test.ts'];
/** The tests of kubectl and etcd need no root, but those programs, and time. */
export const T2 = ['packages/*/src/**/*.kernel.test.ts', 'packages/*/src/**/{kubectl,etcd,client-node}*.test.ts'];
/** Run in the guest of `npm run test:vm`, never on the host. */
export const TVM = ['packages/*/src/**/*.vm.test.ts'];
export const T3 = ['scenarios/**/*.test.ts'];

/**
 * As `testStep`, in a few processes with every n-th file each: starting one for each file takes longer than most of these
 * tests. One more than there are cores, which so have work while tests wait.
 */
export function unitSteps(name: string, patterns: readonly string[]): readonly Step[] {
  const { command, args } = testStep(name, patterns, { reporter: 'dot' });
  const count = Math.min(availableParallelism() + 1, MOST_SHARDS);
  return Array.from({ length: count }, (_, i) => ({
    name: `${name} ${i + 1}/${count}`,
    command,
    args: ['--test-isolation=none', `--test-shard=${i + 1}/${count}`, ...args],
    env: { NODE_COMPILE_CACHE: path.join(CACHE, 'compiled') },
  }));
}

/** In each the modules have to be loaded again. */
const MOST_SHARDS = 4;

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
export async function runStep(step: Step): Promise<number> {
  const { code, summary } = await ended(step, spawned(step, SHOWN));
  console.error(summary);
  return code;
}

/** Runs steps side by side, with the output of each when it has ended; resolves to their exit codes. */
export function runTogether(steps: readonly Step[]): Promise<number[]> {
  return Promise.all(
    steps.map(async (step) => {
      const child = spawned(step, ['ignore', 'pipe', 'pipe']);
      const output: Buffer[] = [];
      for (const stream of [child.stdout, child.stderr]) stream?.on('data', (chunk: Buffer) => output.push(chunk));
      const { code, summary } = await ended(step, child);
      process.stdout.write(Buffer.concat(output));
      console.error(summary);
      return code;
    }),
  );
}

const SHOWN: StdioOptions = ['ignore', 'inherit', 'inherit'];

function spawned({ command, args, env }: Step, stdio: StdioOptions): ChildProcess {
  return spawn(command, args, { cwd: ROOT, stdio, env: { ...process.env, ...env } });
}

function ended({ name }: Step, child: ChildProcess): Promise<{ readonly code: number; readonly summary: string }> {
  const started = performance.now();
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => {
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      resolve({ code: code ?? 1, summary: `${code === 0 ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)` });
    });
  });
}
