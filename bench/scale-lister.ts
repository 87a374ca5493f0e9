/**
 * Lists pods over a unix socket, and makes JSON of the same pods, when told to. A process of its own, so that neither what a
 * client reads nor what JSON.stringify makes is garbage in the heap of the API server.
 */
import http from 'node:http';
import { milliseconds } from './turns.ts';

const [socketPath = '', path = ''] = process.argv.slice(2);

async function list(take: (chunk: Buffer) => void): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const request = http.get({ socketPath, path, agent: false }, async (response) => {
    for await (const chunk of response) take(chunk as Buffer);
    resolve();
  });
  request.on('error', reject);
  return promise;
}

const chunks: Buffer[] = [];
await list((chunk) => chunks.push(chunk));
const { items } = JSON.parse(Buffer.concat(chunks.splice(0)).toString()) as { items: unknown[] };

const turns = { list: () => list(() => {}), text: () => Buffer.from(JSON.stringify({ items })) };
process.on('message', async (turn: keyof typeof turns) => process.send?.(await milliseconds(turns[turn])));
process.send?.(items.length);
