import { Readable, Writable } from 'node:stream';
import type { WebSocket } from 'ws';
import { type ExecChannels, resizeReader } from './exec-session.ts';

/** First byte of every message (remotecommand's constants). */
const CHANNEL = { stdin: 0, stdout: 1, stderr: 2, error: 3, resize: 4, close: 255 } as const;

/** Protocols this speaks; v5 adds the closing of stdin alone. */
export const CHANNEL_PROTOCOLS: readonly string[] = ['v5.channel.k8s.io', 'v4.channel.k8s.io'];

/** exec and attach over a WebSocket; `input`: whether the client asked to send any. */
export function websocketChannels(socket: WebSocket, input: boolean): ExecChannels {
  const listening = listens(socket);
  const send: Send = async (channel, body) => {
    await listening;
    await sent(socket, Buffer.concat([Buffer.of(channel), body]));
  };
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
    stdout: channelWriter(send, CHANNEL.stdout),
    stderr: channelWriter(send, CHANNEL.stderr),
    onResize: (take) => {
      resize = resizeReader(take);
    },
    onClose: (take) => {
      socket.on('close', take);
    },
    finish: async (status) => {
      await send(CHANNEL.error, Buffer.from(JSON.stringify(status)));
      socket.resume();
      socket.close(1000);
    },
  };
}

/** How often a client has to answer before it is sent anything. */
const KNOCKS = 3;
/** How long its answers are waited for, in ms. */
const PATIENCE = 10_000;

/**
 * Resolves when the client takes messages. kubectl 1.30 to 1.33 reads as soon as it is connected, and throws away what comes on
 * a channel that it opens a moment later (kubernetes issue 131189): a few pings give it that moment, be the machine fast or
 * slow. Who sends something has opened all.
 */
function listens(socket: WebSocket): Promise<void> {
  return new Promise((resolve) => {
    let left = KNOCKS;
    const knock = (): void => (left-- > 0 ? socket.ping() : done());
    const timer = setTimeout(() => done(), PATIENCE);
    const done = (): void => {
      clearTimeout(timer);
      socket.off('pong', knock).off('message', done).off('close', done);
      resolve();
    };
    socket.on('pong', knock).on('message', done).on('close', done);
    knock();
  });
}

type Send = (channel: number, body: Buffer) => Promise<void>;

function channelWriter(send: Send, channel: number): Writable {
  return new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      send(channel, chunk).then(() => done(), done);
    },
  });
}

function sent(socket: WebSocket, message: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.send(message, { binary: true }, (error) => (error ? reject(error) : resolve()));
  });
}
