import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Store } from '../core/store.ts';
import { checkHistory, type History, type Operation, recordHistory } from './history.fixture.ts';

const record = async (): Promise<History> =>
  recordHistory(await Store.open({}), { clients: 4, writes: 25, seed: 20_260_101 });

/** The history with one operation told differently. */
function retold(history: History, which: (operation: Operation) => boolean, how: Partial<Operation>): History {
  const index = history.operations.findLastIndex(which);
  assert.ok(index >= 0, 'there is no such operation');
  return {
    ...history,
    operations: history.operations.with(index, { ...history.operations[index], ...how } as Operation),
  };
}

test('a store in memory has one history', async () => {
  checkHistory(await record());
});

test('the check of histories finds what must not be', async () => {
  const history = await record();
  const { watches, start } = history;
  const [first, ...others] = watches;
  assert.ok(first && others.length > 0);
  const { events } = first;
  const watching = (changed: typeof events): History => ({
    ...history,
    watches: [{ ...first, events: changed }, ...others],
  });
  const wrote = ({ did }: Operation) => did === 'wrote';
  const cases: [what: string, wrong: History, words: RegExp][] = [
    ['a lost event', watching(events.toSpliced(5, 1)), /other events, or another order/],
    ['events in another order', watching(events.toSpliced(3, 2, ...events.slice(3, 5).reverse())), /another order/],
    ['an event twice', watching([...events.slice(0, 4), ...events.slice(3)]), /other events/],
    [
      'a late watch with a gap',
      { ...history, watches: [first, { since: start, events: events.slice(1) }] },
      /has a gap/,
    ],
    ['two winners', retold(history, wrote, { base: start + 1 }), /was made of/],
    ['one revision for two', retold(history, wrote, { revision: events[0]?.revision ?? 0 }), /given twice/],
    [
      'a stale read',
      retold(history, ({ did, revision }) => did === 'read' && revision > 0, { revision: 1 }),
      /possible were/,
    ],
    ['an end of its own', { ...history, end: [] }, /deep/],
  ];
  for (const [what, wrong, words] of cases) assert.throws(() => checkHistory(wrong), words, what);
});
