import http from 'node:http';
import { PodwireError } from '@podwire/base';
import { labPaths, runningDaemon } from '@podwire/lab';

/** The lab must be running; throws CLI_NOT_RUNNING otherwise. */
export function requireLab(name: string): void {
  if (!runningDaemon(name))
    throw new PodwireError(
      'CLI_NOT_RUNNING',
      `lab "${name}" is not running; start it with "podwire up${name === 'lab' ? '' : ` --name ${name}`}"`,
    );
}

/** One JSON answer of the lab daemon. */
export async function askDaemon<T>(lab: string, path: string): Promise<T> {
  requireLab(lab);
  let text = '';
  const response = await open(lab, path, 'GET');
  for await (const chunk of response.setEncoding('utf8')) text += chunk;
  const answer = JSON.parse(text) as T & { error?: string };
  if (response.statusCode !== 200) throw new PodwireError('CLI_NOT_RUNNING', `lab "${lab}": ${answer.error}`);
  return answer;
}

/** The JSON lines of a streaming answer. */
export async function* streamDaemon<T>(lab: string, path: string, method: 'GET' | 'POST'): AsyncGenerator<T> {
  const response = await open(lab, path, method);
  let pending = '';
  for await (const chunk of response.setEncoding('utf8')) {
    const lines = (pending + chunk).split('\n');
    pending = lines.pop() ?? '';
    for (const line of lines) yield JSON.parse(line) as T;
  }
}

function open(lab: string, path: string, method: 'GET' | 'POST'): Promise<http.IncomingMessage> {
  return new Promise((resolve, reject) => {
    http
      .request({ socketPath: labPaths(lab).controlSocket, path, method }, resolve)
      .on('error', (cause) =>
        reject(
          new PodwireError(
            'CLI_NOT_RUNNING',
            `lab "${lab}" does not answer (${cause.message}); "podwire down" removes what is left of it`,
            { cause },
          ),
        ),
      )
      .end();
  });
}
