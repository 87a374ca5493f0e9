/**
 * G22, lab up and down: `podwire up` with the example until the first Service request is answered, and `podwire down`
 * until nothing is left, also after kill -9 of the daemon. Packages are installed already; run as root.
 * R = allowed seconds / measured seconds (up 5 s, down 2 s), median of the rounds.
 */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { labExists, labNames, runningDaemon } from '../packages/lab/src/index.ts';
import { ROOT } from '../tools/steps.ts';
import { printParts } from './part.ts';
import { median, milliseconds, spread } from './turns.ts';

const ROUNDS = 5;
const ALLOWED = { up: 5, down: 2 };
const LAB = 'bench';
const run = promisify(execFile);
const podwire = (...args: string[]) => run(path.join(ROOT, 'podwire'), args, { encoding: 'utf8' });

const seconds = async (work: () => Promise<unknown>): Promise<number> => (await milliseconds(work)) / 1000;

const ipNetns = async (): Promise<number> =>
  (await run('ip', ['netns', 'list'])).stdout.split('\n').filter((line) => line.startsWith(`pw-${LAB}-`)).length;

/** The request must be answered within the timed run, or it does not count. */
async function upAndAsk(): Promise<void> {
  await podwire('up', '--name', LAB, '--api-port', '16443', '--no-check');
  const { stdout } = await podwire(
    'exec',
    '--name',
    LAB,
    await aFrontPod(),
    '-c',
    'caller',
    '--',
    'wget',
    '-q',
    '-O',
    '-',
    'http://stock/hostname',
  );
  if (!stdout.startsWith('stock-')) throw new Error(`the Service answered "${stdout}"`);
}

async function aFrontPod(): Promise<string> {
  const status = JSON.parse((await podwire('status', '--name', LAB, '-o', 'json')).stdout) as {
    pods: { name: string }[];
  };
  return status.pods.find((pod) => pod.name.startsWith('front-'))?.name ?? '';
}

async function removed(crash: boolean): Promise<number> {
  const daemon = runningDaemon(LAB);
  if (crash && daemon) process.kill(daemon.pid, 'SIGKILL');
  const took = await seconds(() => podwire('down', '--name', LAB));
  if (labExists(LAB) || (await ipNetns()) > 0 || (daemon && runningDaemon(LAB)))
    throw new Error('down left something behind');
  return took;
}

if (labNames().includes(LAB)) await podwire('down', '--name', LAB);
const times = { up: [] as number[], down: [] as number[], downAfterKill: [] as number[] };
try {
  for (let round = 0; round < 2 * ROUNDS; round++) {
    times.up.push(await seconds(upAndAsk));
    const crash = round % 2 === 1;
    (crash ? times.downAfterKill : times.down).push(await removed(crash));
  }
} finally {
  if (labExists(LAB)) await podwire('down', '--name', LAB);
}

printParts(
  'g22',
  Object.entries(times).map(([name, list]) => ({
    name,
    ratio: (name === 'up' ? ALLOWED.up : ALLOWED.down) / median(list),
    must: 1,
    stretch: 3,
    detail: spread(list, 's', 2),
  })),
);
