import { connect } from 'node:net';
import { PodwireError } from '@podwire/base';
import { decodeFrame, encodeFrame } from './frame.ts';
import { isRecord } from './json.ts';
import type { CniAnswer } from './result.ts';

/**
 * Calls the plugin as a runtime would, without the binary: environment (only CNI_ variables are sent) and stdin in,
 * stdout and exit code out. Rejects with PODS_TRY_LATER when nobody serves the socket.
 */
export function cniRequest(
  socketPath: string,
  env: Readonly<Record<string, string>>,
  stdin: string,
): Promise<CniAnswer> {
  return new Promise((resolve, reject) => {
    const fail = (why: string, cause?: unknown) =>
      reject(
        new PodwireError('PODS_TRY_LATER', `the podwire agent at ${socketPath} ${why}; is it running?`, { cause }),
      );
    const cni = Object.fromEntries(Object.entries(env).filter(([name]) => name.startsWith('CNI_')));
    const socket = connect(socketPath, () => socket.write(encodeFrame({ env: cni, stdin })));
    let received: Buffer = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      received = Buffer.concat([received, chunk]);
      const frame = decodeFrame(received);
      if (frame.kind === 'incomplete') return;
      socket.destroy();
      if (frame.kind === 'complete' && isAnswer(frame.message)) resolve(frame.message);
      else fail('gave an answer that cannot be read');
    });
    socket.on('error', (cause) => fail('does not answer', cause));
    socket.on('close', () => fail('closed the connection'));
  });
}

function isAnswer(message: unknown): message is CniAnswer {
  return isRecord(message) && typeof message.stdout === 'string' && typeof message.exitCode === 'number';
}
