import net from 'node:net';
import { commandName, PodwireError } from '@podwire/base';
import { labPaths } from '@podwire/lab';
import WebSocket from 'ws';
import { requireLab } from './control-client.ts';
import { becomeRoot } from './root.ts';

export interface ExecOptions {
  readonly name: string;
  readonly namespace: string;
  readonly container?: string;
}

/** First byte of every message of v5.channel.k8s.io. */
const CHANNEL = { stdin: 0, stdout: 1, stderr: 2, status: 3, close: 255 } as const;

/** Runs a command in a pod through the API server's exec subresource, as kubectl does; ends with the command's exit code. */
export async function exec(pod: string, command: readonly string[], options: ExecOptions): Promise<number> {
  if (command.length === 0)
    throw new PodwireError('CLI_USAGE', `exec needs a command: ${commandName()} exec POD -- COMMAND`);
  becomeRoot();
  requireLab(options.name);
  const query = new URLSearchParams([
    ['stdin', 'true'],
    ['stdout', 'true'],
    ['stderr', 'true'],
    ...(options.container ? [['container', options.container] as [string, string]] : []),
    ...command.map((word): [string, string] => ['command', word]),
  ]);
  const path = `/api/v1/namespaces/${encodeURIComponent(options.namespace)}/pods/${encodeURIComponent(pod)}/exec?${query}`;
  const socket = new WebSocket(`ws://api${path}`, 'v5.channel.k8s.io', {
    createConnection: () => net.connect(labPaths(options.name).apiSocket),
  });
  return await session(socket, `${options.namespace}/${pod}`);
}

function session(socket: WebSocket, pod: string): Promise<number> {
  return new Promise((resolve, reject) => {
    let code = 1;
    socket.on('open', () => {
      process.stdin.on('data', (chunk: Buffer) => socket.send(Buffer.concat([Buffer.of(CHANNEL.stdin), chunk])));
      process.stdin.on('end', () => socket.send(Buffer.of(CHANNEL.close, CHANNEL.stdin)));
    });
    socket.on('message', (message: Buffer) => {
      const data = message.subarray(1);
      if (message[0] === CHANNEL.stdout) process.stdout.write(data);
      else if (message[0] === CHANNEL.stderr) process.stderr.write(data);
      else if (message[0] === CHANNEL.status) code = exitCode(data.toString());
    });
    const end = (): void => {
      process.stdin.destroy();
    };
    socket.on('unexpected-response', (_, response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk) => {
        text += chunk;
      });
      response.on('end', () =>
        reject(
          new PodwireError(
            'CLI_EXEC',
            statusMessage(text) ?? `exec in ${pod} was answered with ${response.statusCode}`,
          ),
        ),
      );
    });
    socket.on('error', (cause) => {
      end();
      reject(new PodwireError('CLI_EXEC', `exec in ${pod}: ${cause.message}`, { cause }));
    });
    socket.on('close', () => {
      end();
      resolve(code);
    });
  });
}

function statusMessage(text: string): string | undefined {
  try {
    return (JSON.parse(text) as { message?: string }).message;
  } catch {
    return undefined;
  }
}

/** The Status that ends an exec: Success, or a cause ExitCode. */
function exitCode(text: string): number {
  const status = JSON.parse(text) as {
    status?: string;
    message?: string;
    details?: { causes?: readonly { reason?: string; message?: string }[] };
  };
  if (status.status === 'Success') return 0;
  const cause = status.details?.causes?.find((c) => c.reason === 'ExitCode');
  if (cause === undefined) process.stderr.write(`${status.message}\n`);
  return Number(cause?.message ?? 1);
}
