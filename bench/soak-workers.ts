import { once } from 'node:events';
import { Worker } from 'node:worker_threads';

const AT_A_TIME = 4;
const SOURCE = new URL('./soak-worker.ts', import.meta.url);

/** Starts and stops so many workers; throws what any of them threw. */
export async function soakWorkers(count: number): Promise<void> {
  let left = count;
  const next = async (): Promise<void> => {
    while (left > 0) {
      left--;
      await oneWorker(left % 2 === 0);
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, next));
}

/** Half of them end by themselves, half are ended from outside; never before they are ready (koffi is loaded by then). */
async function oneWorker(terminate: boolean): Promise<void> {
  const worker = new Worker(SOURCE, { workerData: { stay: terminate } });
  // both from the start: the last message and the exit may come in one turn of the event loop
  const exit = once(worker, 'exit');
  const [message] = await Promise.race([once(worker, 'message'), exit]);
  if (message !== 'ready') throw new Error(`a worker said ${JSON.stringify(message)}`);
  if (terminate) void worker.terminate();
  const [code] = await exit;
  if (code !== (terminate ? 1 : 0)) throw new Error(`a worker ended with ${code}`);
}
