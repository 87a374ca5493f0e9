import { parentPort } from 'node:worker_threads';
import { openDatagramSocket } from '@podwire/kernel';

/** A thread with a live watch that ends when it is asked to, unless it is kept busy. */
openDatagramSocket({ address: '127.0.0.1', port: 0, onDatagrams() {} });
parentPort?.on('message', (message: 'end' | 'ignore') => {
  if (message === 'end') process.exit(0);
});
parentPort?.postMessage('ready');
