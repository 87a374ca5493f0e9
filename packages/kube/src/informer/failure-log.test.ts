import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createLogger, PodwireError } from '@podwire/base';
import type { KubeClient } from '../client.ts';
import { VirtualClock } from '../virtual-clock.fixture.ts';
import { FailureLog } from './failure-log.ts';
import { createInformers } from './informers.ts';

const CANNOT = 'the API server cannot be read, trying again';

function logged() {
  const lines: string[] = [];
  const write = (line: string): void => {
    const { msg, kind, reason } = JSON.parse(line);
    lines.push(kind ? `${msg}: ${kind}: ${reason}` : msg);
  };
  return { lines, log: new FailureLog(createLogger({ format: 'json', write })) };
}

test('each reason is told once, and that it has ended', () => {
  const { lines, log } = logged();
  const reset = new PodwireError('KUBE_UNAVAILABLE', 'reset');
  for (const kind of ['Pod', 'Node']) log.onFailure(kind, reset);
  assert.deepEqual([lines, log.unreadable], [[], ['Node, Pod: reset']], 'once is not worth a line');
  for (let i = 0; i < 5; i++) for (const kind of ['Pod', 'Node']) log.onFailure(kind, reset);
  assert.deepEqual(lines.splice(0), [`${CANNOT}: Pod: reset`]);
  log.onFailure('Node', new PodwireError('KUBE_FORBIDDEN', 'not yours'));
  assert.deepEqual(lines.splice(0), [`${CANNOT}: Node: not yours`]);
  assert.deepEqual(log.unreadable, ['Pod: reset', 'Node: not yours']);
  log.onFailure('Pod', undefined);
  assert.deepEqual([lines, log.unreadable], [[], ['Node: not yours']]);
  log.onFailure('Node', new PodwireError('KUBE_NOT_FOUND', 'no such kind'));
  log.onFailure('Node', undefined);
  assert.deepEqual([lines, log.unreadable], [['the API server can be read again'], []]);
});

test('a server that gives another reason each time does not fill the log', () => {
  const { lines, log } = logged();
  for (let i = 0; i < 1000; i++) log.onFailure('Pod', new PodwireError('KUBE_API', `timed out after ${i} ms`));
  assert.equal(lines.length, 32);
});

test('a watch that is opened again says that the server is back, before anything changes there', async () => {
  const { log } = logged();
  const clock = new VirtualClock();
  const away = new PodwireError('KUBE_UNAVAILABLE', 'connection refused');
  let watches = 0;
  const client = {
    list: async () => ({ items: [], resourceVersion: '1' }),
    watch: (_kind: string, { signal, opened }: { readonly signal: AbortSignal; readonly opened: () => void }) => {
      if (++watches < 4) return Promise.reject(away);
      opened();
      return new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()));
    },
  } as unknown as KubeClient;
  const informers = createInformers(client, { clock, onFailure: log.onFailure });
  informers.of('ConfigMap');
  await clock.advance(1);
  assert.deepEqual(log.unreadable, ['ConfigMap: connection refused']);
  await clock.advance(60_000);
  assert.deepEqual([watches, log.unreadable], [4, []]);
  informers.stop();
});

test('informers tell of failures until they have what they asked for', async () => {
  const { lines, log } = logged();
  const clock = new VirtualClock();
  let fails = 3;
  const client = {
    list: async () => {
      if (fails-- > 0) throw new PodwireError('KUBE_UNAVAILABLE', 'connection refused');
      return { items: [], resourceVersion: '1' };
    },
    watch: (_kind: string, { signal }: { readonly signal: AbortSignal }) =>
      new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve())),
  } as unknown as KubeClient;
  const informers = createInformers(client, { clock, onFailure: log.onFailure });
  const informer = informers.of('ConfigMap');
  await clock.advance(60_000);
  assert.equal(informer.hasSynced, true);
  assert.deepEqual(lines, [`${CANNOT}: ConfigMap: connection refused`, 'the API server can be read again']);
  informers.stop();
});
