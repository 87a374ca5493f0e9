import { workerData } from 'node:worker_threads';
import { openDatagramSocket } from './datagram-socket.ts';

/** A worker that ends while a socket of it is watched: by process.exit(), or by an error in a callback. */
const socket = openDatagramSocket({
  address: '127.0.0.1',
  port: 0,
  onDatagrams() {
    if (workerData === 'exit') process.exit(3);
    throw new Error('thrown in a callback');
  },
});
socket.sendTo(Buffer.from('x'), '127.0.0.1', socket.localAddress.port);
