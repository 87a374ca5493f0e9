import http from 'node:http';
import { commandName, messageOf, PodwireError } from '@podwire/base';
import { labPaths, runningDaemon } from '@podwire/lab';

/** What to add to a command that people are told to run, so that it means this lab. */
export const nameFlag = (lab: string): string => (lab === 'lab' ? '' : ` --name ${lab}`);

/** The lab must be running; throws CLI_NOT_RUNNING otherwise. */
export function requireLab(name: string): void {
  if (!runningDaemon(name))
    throw new PodwireError(
      'CLI_NOT_RUNNING',
      `lab "${name}" is not running; start it with "${commandName()} up${nameFlag(name)}"`,
    );
}

/** Status of an answer about a node or room there is not. */
const NOT_FOUND = 404;

/** One JSON answer of the lab daemon; throws CLI_NOT_READY when it takes longer than `seconds`. */
export function askDaemon<T>(lab: string, path: string, seconds = 180): Promise<T> {
  return answerOf({ lab, path, method: 'GET' }, seconds);
}

/** As `askDaemon`, for what changes something. */
export function tellDaemon<T>(lab: string, path: string, seconds = 180): Promise<T> {
  return answerOf({ lab, path, method: 'POST' }, seconds);
}

async function answerOf<T>(request: Omit<DaemonRequest, 'signal'>, seconds: number): Promise<T> {
  const { lab, path } = request;
  requireLab(lab);
  const signal = AbortSignal.timeout(seconds * 1000);
  try {
    const response = await open({ ...request, signal });
    const text = await readText(response);
    requireSuccess(lab, response.statusCode, text);
    return JSON.parse(text) as T;
  } catch (cause) {
    if (!signal.aborted) throw daemonError(lab, cause);
    throw new PodwireError(
      'CLI_NOT_READY',
      `lab "${lab}" did not answer ${path} within ${seconds} s; ${labPaths(lab).log} may say what it waits for`,
      { cause },
    );
  }
}

/**
 * The JSON lines of a streaming answer. Throws CLI_NOT_RUNNING when nobody listens, CLI_DAEMON when the daemon refuses,
 * ends with an error line, or breaks off in a line: an answer that was cut short never looks like a whole one.
 */
export async function* streamDaemon<T>(lab: string, path: string, method: 'GET' | 'POST'): AsyncGenerator<T> {
  const response = await open({ lab, path, method });
  try {
    if (response.statusCode !== 200) requireSuccess(lab, response.statusCode, await readText(response));
    let pending = '';
    for await (const chunk of response.setEncoding('utf8')) {
      const lines = (pending + chunk).split('\n');
      pending = lines.pop() ?? '';
      for (const line of lines) yield parseLine<T>(lab, line);
    }
    if (pending !== '') throw new PodwireError('CLI_DAEMON', `lab "${lab}" broke off in the middle of its answer`);
  } catch (cause) {
    throw daemonError(lab, cause);
  }
}

async function readText(response: http.IncomingMessage): Promise<string> {
  let text = '';
  for await (const chunk of response.setEncoding('utf8')) text += chunk;
  return text;
}

function requireSuccess(lab: string, status: number | undefined, text: string): void {
  if (status === 200) return;
  throw new PodwireError(status === NOT_FOUND ? 'CLI_USAGE' : 'CLI_DAEMON', `lab "${lab}": ${errorIn(text) ?? text}`);
}

function parseLine<T>(lab: string, line: string): T {
  const error = errorIn(line);
  if (error !== undefined) throw new PodwireError('CLI_DAEMON', `lab "${lab}": ${error}`);
  return JSON.parse(line) as T;
}

function errorIn(text: string): string | undefined {
  const { error } = JSON.parse(text) as { error?: unknown };
  return typeof error === 'string' ? error : undefined;
}

function daemonError(lab: string, cause: unknown): PodwireError {
  if (cause instanceof PodwireError) return cause;
  return new PodwireError(
    'CLI_DAEMON',
    `lab "${lab}" broke off its answer (${messageOf(cause)}); ${labPaths(lab).log} may say why`,
    { cause },
  );
}

interface DaemonRequest {
  readonly lab: string;
  readonly path: string;
  readonly method: 'GET' | 'POST';
  readonly signal?: AbortSignal;
}

function open({ lab, path, method, signal }: DaemonRequest): Promise<http.IncomingMessage> {
  const { controlSocket: socketPath } = labPaths(lab);
  return new Promise((resolve, reject) => {
    http
      .request({ socketPath, path, method, ...(signal ? { signal } : {}) }, resolve)
      .on('error', (cause) =>
        reject(
          new PodwireError(
            'CLI_NOT_RUNNING',
            `lab "${lab}" does not answer (${cause.message}); "${commandName()} down${nameFlag(lab)}" removes what is left of it`,
            { cause },
          ),
        ),
      )
      .end();
  });
}
