import assert from 'node:assert/strict';
import { once } from 'node:events';
import test from 'node:test';
import { Worker } from 'node:worker_threads';
import { F_DUPFD_CLOEXEC, libc } from '../libc.ts';
import { openDatagramSocket } from './datagram-socket.ts';
import { watchDescriptor } from './descriptor-watch.ts';

const start = (how: string) =>
  new Worker(new URL('./watching-worker.fixture.ts', import.meta.url), { workerData: how });

test('workers end by exit() while they watch, and the process lives on', async () => {
  for (let i = 0; i < 10; i++) {
    const [code] = await once(start('exit'), 'exit');
    assert.equal(code, 3);
  }
});

test('an error in a callback ends the worker like any other error', async () => {
  for (let i = 0; i < 10; i++) {
    const worker = start('throw');
    const exit = new Promise((resolve) => worker.once('exit', resolve)); // once() would reject with the error
    const [error] = await once(worker, 'error');
    assert.match(error.message, /thrown in a callback/);
    await exit;
  }
});

test('a second watch of one descriptor is refused, and possible after the first', () => {
  using socket = openDatagramSocket({ address: '127.0.0.1', port: 0 });
  const { fd } = socket; // watched by the socket
  const message = /^watch descriptor \d+: .*\(EBUSY\); this thread watches it already/;
  assert.throws(() => watchDescriptor(fd, { onReadable() {} }), { code: 'KERNEL_CALL', message });
  const copy = libc.fcntl(fd, F_DUPFD_CLOEXEC, 0);
  for (let i = 0; i < 2; i++) watchDescriptor(copy, { onReadable() {} }).stop();
  libc.close(copy);
});
