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

/** HAProxy answers nothing at all to a command that does not fit its buffer of 16 KiB (tune.bufsize). */
const PAYLOAD = 7000;

/** Multi-line payload commands (`add map @1 file <<`), one connection each: their empty last line ends the session. */
export function addMapCommands(
  version: string,
  file: string,
  entries: readonly (readonly [key: string, value: string])[],
): string[] {
  const payloads: string[] = [];
  let payload = '';
  for (const line of entries.map(([key, value]) => `${key} ${value}\n`)) {
    if (payload !== '' && payload.length + line.length > PAYLOAD) {
      payloads.push(payload);
      payload = '';
    }
    payload += line;
  }
  if (payload !== '') payloads.push(payload);
  return payloads.map((lines) => `add map @${version} ${file} <<\n${lines}`);
}
