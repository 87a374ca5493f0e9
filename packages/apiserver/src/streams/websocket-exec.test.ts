import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { type TestContext, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { WebSocket } from 'ws';
import { websocketChannels } from './websocket-exec.ts';

/** The server's end of a connection: pings, and texts of what is sent with their channels. */
class FakeSocket extends EventEmitter {
  readonly said: string[] = [];

  ping(): void {
    this.said.push('ping');
  }

  send(message: Buffer, _options: object, done: () => void): void {
    this.said.push(`${message[0]} ${message.subarray(1)}`);
    done();
  }

  resume(): void {}

  close(): void {
    this.emit('close');
  }
}

function connected() {
  const socket = new FakeSocket();
  return { socket, channels: websocketChannels(socket as unknown as WebSocket, true) };
}

test('nothing is sent before the client has answered three times', async () => {
  const { socket, channels } = connected();
  channels.stdout?.write('out');
  for (let answers = 1; answers <= 3; answers++) {
    await setImmediate();
    assert.deepEqual(socket.said, Array(answers).fill('ping'));
    socket.emit('pong');
  }
  await setImmediate();
  assert.deepEqual(socket.said.slice(3), ['1 out']);
  await channels.finish({ status: 'Success' });
  assert.deepEqual(socket.said.slice(4), ['3 {"status":"Success"}']);
});

test('a client that has sent something is sent what there is at once', async () => {
  const { socket, channels } = connected();
  assert.ok(channels.stdin);
  const read = once(channels.stdin, 'data');
  socket.emit('message', Buffer.from('\0in'));
  assert.equal(String((await read)[0]), 'in');
  await channels.finish({});
  assert.deepEqual(socket.said, ['ping', '3 {}']);
});

test('a client that never answers is waited for ten seconds, one that is gone is not', async (t: TestContext) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { socket, channels } = connected();
  const finished = channels.finish({});
  t.mock.timers.tick(9999);
  await setImmediate();
  assert.deepEqual(socket.said, ['ping']);
  t.mock.timers.tick(1);
  await finished;
  assert.deepEqual(socket.said, ['ping', '3 {}']);
  const gone = connected();
  gone.socket.emit('close');
  await gone.channels.finish({});
});
