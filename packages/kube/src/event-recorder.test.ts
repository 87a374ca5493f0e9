import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startApiServer } from '@podwire/apiserver';
import { parsePrefix } from '@podwire/base';
import { createEventRecorder, type EventToRecord, recordEvent } from './event-recorder.ts';
import { VirtualClock } from './virtual-clock.fixture.ts';

const event = (message: string, name = 'web'): EventToRecord => ({
  object: { apiVersion: 'v1', kind: 'Pod', namespace: 'default', name, uid: `uid-${name}` },
  type: 'Warning',
  reason: 'Unhealthy',
  message,
  component: 'podwire-test',
});

test('repetitions are counted, similar events combined, floods left out, and the next object is heard', async (t) => {
  const server = await startApiServer({ serviceCidrs: [parsePrefix('10.96.0.0/12')], nodePortRange: [30000, 32767] });
  t.after(() => server.close());
  const client = server.client();
  const clock = new VirtualClock();
  const recorder = createEventRecorder(client, clock);
  for (let i = 0; i < 3; i++) assert.equal(await recorder.record(event('again')), true);
  for (let i = 0; i < 14; i++) assert.equal(await recorder.record(event(`attempt ${i}`)), true);
  const { items } = await client.list('Event', { namespace: 'default' });
  const counts = new Map(items.map(({ message = '', count }) => [message, count]));
  assert.equal(counts.get('again'), 3);
  assert.equal(counts.get('attempt 8'), 1);
  assert.equal(counts.get('(combined from similar events): attempt 13'), 5);
  assert.equal(items.length, 11);

  const more = await Promise.all(Array.from({ length: 20 }, () => recorder.record(event('again'))));
  assert.equal(more.filter(Boolean).length, 8, '25 at once');
  assert.equal(await recorder.record(event('again', 'other')), true);
  await clock.advance(301_000);
  assert.equal(await recorder.record(event('again')), true);
  assert.equal(await recorder.record(event('again')), false);
});

test('the names of Events are in the order of time, and one that is gone has a later successor', async (t) => {
  const server = await startApiServer();
  t.after(() => server.close());
  const client = server.client();
  const messages = ['first', 'second', 'third', 'again'];
  await Promise.all(messages.map((message) => recordEvent(client, event(message))));
  const told = async () =>
    (await client.list('Event', { namespace: 'default' })).items
      .toSorted((a, b) => ((a.metadata?.name ?? '') < (b.metadata?.name ?? '') ? -1 : 1))
      .map(({ metadata, message }) => [metadata?.name ?? '', message] as const);
  assert.deepEqual(
    (await told()).map(([, message]) => message),
    messages,
  );
  const [name = ''] = (await told())[0] ?? [];
  assert.match(name, /^web\.[0-9a-f]{16}$/);
  await client.delete('Event', { namespace: 'default', name });
  await recordEvent(client, event('first'));
  assert.equal((await told()).at(-1)?.[1], 'first');
});

test('a server that is away is no failure of who tells', async () => {
  const server = await startApiServer({ serviceCidrs: [parsePrefix('10.96.0.0/12')], nodePortRange: [30000, 32767] });
  const recorder = createEventRecorder(server.client());
  await server.close();
  assert.equal(await recorder.record(event('lost')), false);
});
