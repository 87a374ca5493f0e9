import net from 'node:net';
import { PodwireError } from '@podwire/base';

/** Sends commands over HAProxy's runtime socket (management guide 9.3), one connection, answers in order. */
export function runtimeCommand(socketPath: string, commands: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = net.connect(socketPath, () => socket.end(`${commands.join(';')}\n`));
    const fail = (cause: Error): void =>
      reject(
        new PodwireError('INGRESS_RUNTIME', `HAProxy's runtime socket ${socketPath}: ${cause.message}`, { cause }),
      );
    socket.setTimeout(5000, () => socket.destroy(new Error('no answer within 5 s')));
    socket.setEncoding('utf8').on('data', (chunk) => {
      answer += chunk;
    });
    socket.on('error', fail).on('end', () => resolve(answer));
  });
}

/** A multi-line payload command: `add map @1 file <<` needs a line of its own. */
export function addMapCommand(version: string, file: string, entries: readonly (readonly [string, string])[]): string {
  return `add map @${version} ${file} <<\n${entries.map(([k, v]) => `${k} ${v}\n`).join('')}`;
}
