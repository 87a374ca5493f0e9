import { Readable, Writable } from 'node:stream';
import type { WebSocket } from 'ws';
import { type ExecChannels, resizeReader } from './exec-session.ts';

/** First byte of every message (remotecommand's constants). */
const CHANNEL = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;

/** Protocols this speaks; v5 adds the closing of stdin alone. */
export const CHANNEL_PROTOCOLS: readonly string[] = ['v5.channel.k8s.io', 'v4.channel.k8s.io'];

/** exec and attach over a WebSocket; `input`: whether the client asked to send any. */
export function websocketChannels(socket: WebSocket, input: boolean): ExecChannels {
  const stdin = new Readable({ read: () => socket.resume() });
  let resize: (chunk: Buffer) => void = () => {};
  socket.on('error', () => socket.terminate());
  socket.on('message', (data) => {
    const message = data as Buffer;
    const body = message.subarray(1);
    if (message[0] === CHANNEL.stdin && body.length > 0) {
      if (!stdin.push(body)) socket.pause();
    } else if (message[0] === CHANNEL.resize) resize(body);
    else if (message[0] === CHANNEL.close && body[0] === CHANNEL.stdin) stdin.push(null);
  });
  socket.on('close', () => stdin.destroy());
  return {
    ...(input ? { stdin } : {}),
    stdout: channelWriter(socket, CHANNEL.stdout),
    stderr: channelWriter(socket, CHANNEL.stderr),
    onResize: (take) => {
      resize = resizeReader(take);
    },
    onClose: (take) => {
      socket.on('close', take);
    },
    finish: async (status) => {
      await send(socket, CHANNEL.error, Buffer.from(JSON.stringify(status)));
      socket.resume();
      socket.close(1000);
    },
  };
}

function channelWriter(socket: WebSocket, channel: number): Writable {
  return new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      send(socket, channel, chunk).then(() => done(), done);
    },
  });
}

function send(socket: WebSocket, channel: number, body: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.send(Buffer.concat([Buffer.of(channel), body]), { binary: true }, (error) =>
      error ? reject(error) : resolve(),
    );
  });
}
