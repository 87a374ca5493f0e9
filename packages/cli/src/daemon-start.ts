import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { hasCode, messageOf, PodwireError } from '@podwire/base';
import { DAEMON_FILE, labPaths, type Progress } from '@podwire/lab';
import { colours } from './colours.ts';
import { streamDaemon } from './control-client.ts';
import { lastWords } from './daemon-log.ts';

/** No step of the start takes this long, with the most nodes a lab can have. */
const SILENCE_SECONDS = 120;

/** Starts the lab's daemon, which goes on when this process ends; what it says goes to the lab's log. */
export function spawnDaemon(lab: string, input: unknown, compileCache: string): ChildProcess {
  const paths = labPaths(lab);
  for (const directory of [paths.run, paths.state]) mkdirSync(directory, { recursive: true, mode: 0o700 });
  writeFileSync(paths.configFile, JSON.stringify(input), { mode: 0o600 });
  const log = openSync(paths.log, 'a', 0o600);
  const daemon = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', DAEMON_FILE, lab], {
    detached: true,
    cwd: '/',
    // All of the daemon's threads load the same modules: the second start finds them compiled.
    env: { ...process.env, NODE_COMPILE_CACHE: compileCache },
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  daemon.unref();
  return daemon;
}

/** Prints each step and resolves when the lab stands. Throws CLI_START with the daemon's own last words. */
export async function daemonReady(lab: string, daemon: ChildProcess, signal: AbortSignal): Promise<void> {
  const failed = Promise.withResolvers<never>();
  failed.promise.catch(() => {});
  const fail = (what: string): void =>
    failed.reject(new PodwireError('CLI_START', `the lab did not start: ${what}: ${wordsOf(labPaths(lab).log)}`));
  const ended = (code: number | null, by: string | null): void =>
    fail(`its daemon ended (${by ?? `exit code ${code}`})`);
  const watchdog = setTimeout(() => fail(`nothing happened for ${SILENCE_SECONDS} s`), SILENCE_SECONDS * 1000);
  const follow = new AbortController();
  daemon.once('exit', ended).once('error', (error) => fail(error.message));
  try {
    const stop = AbortSignal.any([signal, follow.signal]);
    await Promise.race([followProgress(lab, () => watchdog.refresh(), stop), failed.promise]);
  } catch (error) {
    // A daemon that dies closes its socket first; why it died is the better message.
    if (hasCode(error, 'CLI_DAEMON')) await Promise.race([failed.promise, sleep(1000)]);
    throw error instanceof PodwireError ? error : new PodwireError('CLI_START', messageOf(error), { cause: error });
  } finally {
    clearTimeout(watchdog);
    follow.abort();
    daemon.off('exit', ended);
  }
}

/** Ends a daemon that may not have got as far as writing down its pid. */
export async function endChild(child: ChildProcess): Promise<void> {
  const alive = (): boolean => child.exitCode === null && child.signalCode === null;
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    if (!alive()) return;
    child.kill(signal);
    await Promise.race([once(child, 'exit'), sleep(1500)]);
  }
}

function wordsOf(log: string): string {
  try {
    return lastWords(readFileSync(log, 'utf8')) || 'it said nothing';
  } catch {
    return 'it left no log';
  }
}

async function followProgress(lab: string, heard: () => void, signal: AbortSignal): Promise<void> {
  for await (const { step, ms, ready, failed } of progressLines(lab, signal)) {
    heard();
    if (failed !== undefined) throw new PodwireError('CLI_START', `the lab did not start: ${failed}`);
    if (step) console.log(`${colours.green('up')}     ${step} ${colours.dim(`(${(ms / 1000).toFixed(2)} s)`)}`);
    if (ready) return;
  }
  throw new PodwireError('CLI_DAEMON', "the lab's daemon closed its progress before it was ready");
}

/** The daemon needs a moment until it listens; how long is the watchdog's matter. */
async function* progressLines(lab: string, signal: AbortSignal): AsyncGenerator<Progress> {
  for (;;) {
    try {
      yield* streamDaemon<Progress>(lab, '/progress', 'GET');
      return;
    } catch (error) {
      if (!hasCode(error, 'CLI_NOT_RUNNING')) throw error;
      signal.throwIfAborted();
      await sleep(10);
    }
  }
}
