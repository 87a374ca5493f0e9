import { parentPort } from 'node:worker_threads';
import { messageOf } from '@podwire/base';
import type { FromWorker, ToWorker } from './messages.ts';
import { Stage } from './stage.ts';

/** The players' thread: a Stage behind a message port. */
function main(port: NonNullable<typeof parentPort>): void {
  const tell = (message: FromWorker): void => port.postMessage(message);
  const calls = new Map<number, (answer: ToWorker) => void>();
  const ask = (make: (call: number) => FromWorker): Promise<ToWorker> => {
    const call = ++lastCall;
    return new Promise((resolve) => {
      calls.set(call, resolve);
      tell(make(call));
    });
  };
  const stage = new Stage({
    log: batchedLog((lines) => tell({ type: 'logs', lines })),
    exited: (id, code) => tell({ type: 'exited', id, code }),
    shell: async (id, command) => {
      const answer = await ask((call) => ({ type: 'shell', id, call, command }));
      return answer.type === 'shell-done' ? answer : { output: '' };
    },
    resolve: async (id, name) => {
      const answer = await ask((call) => ({ type: 'resolve', id, call, name }));
      if (answer.type === 'resolved' && answer.address !== undefined) return answer.address;
      throw new Error((answer.type === 'resolved' && answer.error) || `lookup ${name}: no such host`);
    },
  });
  port.on('message', (message: ToWorker) => {
    if (message.type === 'start') start(message.spec.id, () => stage.start(message.spec), tell);
    else if (message.type === 'stop') {
      stage.stop(message.id);
      tell({ type: 'stopped', id: message.id });
    } else if (message.type === 'end') process.exit(0);
    else {
      calls.get(message.call)?.(message);
      calls.delete(message.call);
    }
  });
  tell({ type: 'ready' });
}

let lastCall = 0;

function start(id: string, open: () => Promise<void>, tell: (message: FromWorker) => void): void {
  open().then(
    () => tell({ type: 'started', id }),
    (error: unknown) => tell({ type: 'failed', id, message: messageOf(error) }),
  );
}

/** Collects the lines of one turn of the event loop: one message instead of one per request. */
function batchedLog(flush: (lines: [string, string][]) => void): (id: string, line: string) => void {
  let lines: [string, string][] = [];
  return (id, line) => {
    if (lines.length === 0) {
      setImmediate(() => {
        flush(lines);
        lines = [];
      });
    }
    lines.push([id, line]);
  };
}

if (parentPort) main(parentPort);
