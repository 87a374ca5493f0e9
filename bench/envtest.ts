/**
 * The API server in tests: startApiServer and listenHttps, in a process that has just loaded it and in one that has had
 * servers before, and the first object made over TLS; and a new process, from its start until it says it is ready.
 */
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { end, messageFrom } from './child.ts';
import { printParts } from './part.ts';
import { median, milliseconds, spread } from './turns.ts';

const ROUNDS = 9;
const ALLOWED = { start: 150, process: 500 } as const;

interface Start {
  readonly ready: number;
  readonly answer: number;
}

const directory = mkdtempSync(path.join(tmpdir(), 'podwire-bench-'));
const env = { ...process.env, NODE_COMPILE_CACHE: path.join(directory, 'compiled'), HOME: directory };

/** Milliseconds of each start in one process. */
async function starts(): Promise<readonly Start[]> {
  const child: ChildProcess = fork(path.join(import.meta.dirname, 'envtest-starts.ts'), [String(ROUNDS)], { env });
  const took = await messageFrom<readonly Start[]>(child);
  await end(child);
  return took;
}

/** `node -e 0`, and this program until its ready line. */
const nodeStart = (): Promise<number> =>
  milliseconds(() => once(spawn(process.execPath, ['-e', '0'], { stdio: 'ignore', env }), 'exit'));

async function commandStart(): Promise<number> {
  const program = path.join(import.meta.dirname, '../packages/cli/bin/podwire.ts');
  let server: ChildProcess | undefined;
  const took = await milliseconds(async () => {
    const args = ['--disable-warning=ExperimentalWarning', program, 'apiserver', '--in-memory', '--port', '0'];
    server = spawn(process.execPath, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
    if (server.stdout) await once(server.stdout, 'data');
  });
  server?.kill('SIGTERM');
  if (server) await once(server, 'exit');
  return took;
}

try {
  await starts(); // which fills the compile cache
  const [first, later, answer]: [number[], number[], number[]] = [[], [], []];
  for (let round = 0; round < ROUNDS; round++) {
    const [cold, ...warm] = await starts();
    first.push(cold?.ready ?? Number.NaN);
    answer.push(cold?.answer ?? Number.NaN);
    later.push(median(warm.map(({ ready }) => ready)));
  }
  const [command, node]: [number[], number[]] = [[], []];
  await commandStart();
  for (let round = 0; round < ROUNDS; round++) {
    command.push(await commandStart());
    node.push(await nodeStart());
  }
  printParts('envtest', [
    {
      name: 'first',
      ratio: ALLOWED.start / median(first),
      must: 1,
      stretch: 2,
      detail: `${ALLOWED.start} ms allowed; ready in ${spread(first, 'ms', 0)}, the first answer over TLS after ${spread(answer, 'ms', 0)}`,
    },
    {
      name: 'later',
      ratio: ALLOWED.start / median(later),
      must: 4,
      stretch: 10,
      detail: `${ALLOWED.start} ms allowed; ready in ${spread(later, 'ms', 0)} where a server was before`,
    },
    {
      name: 'process',
      ratio: ALLOWED.process / median(command.map((ms, i) => ms - (node[i] ?? 0))),
      must: 1,
      stretch: 2,
      detail: `${ALLOWED.process} ms allowed; ${spread(command, 'ms', 0)}, less ${spread(node, 'ms', 0)} that Node takes alone`,
    },
  ]);
} finally {
  rmSync(directory, { recursive: true });
}
