/**
 * A program for tests: connects to an address and port again and again, one connection at a time, waits for an answer each
 * time, and says when asked what came of it.
 */
import net from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** How often the server answered, and how often each error came instead. */
export interface ClientCounts {
  readonly answered: number;
  readonly failures: Readonly<Record<string, number>>;
}

const [address = '', port = ''] = process.argv.slice(2);
let answered = 0;
const failures: Record<string, number> = {};

async function connect(): Promise<void> {
  const socket = net.connect({ host: address, port: Number(port) });
  const outcome = await new Promise<string>((resolve) => {
    socket.on('error', (error) => resolve('code' in error ? String(error.code) : error.message));
    socket.once('data', () => resolve('answered')).once('close', () => resolve('closed'));
  });
  // no port has to wait until it may be used again
  socket.resetAndDestroy();
  if (outcome === 'answered') answered++;
  else failures[outcome] = (failures[outcome] ?? 0) + 1;
}

process.on('disconnect', () => process.exit());
process.on('message', () => process.send?.({ answered, failures } satisfies ClientCounts));
while (process.connected) {
  await connect();
  await sleep(1);
}
